"""An operator's hand on people."""

from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.flows import access, people
from app.house import House
from app.kit.client import OPERATOR
from app.kit.errors import LastAdministrator, NoSuchPerson, NoSuchRole, WrongWord
from tests.flows.test_invitation import invite
from tests.people import (
    ALICE,
    BOB,
    CLIENT,
    ROOT,
    block,
    events,
    id_of,
    settle,
    sign_in,
    signed_in,
    unblock,
    who,
)


async def role_of(session: AsyncSession, name: str) -> str:
    return {person.username: person.role for person in await access.everybody(session)}[name]


UNKNOWN = "d1321b13-671b-4971-bc1a-5f99f709c234"


@pytest.mark.parametrize("name", ["alice", "alice@example.com", UNKNOWN, "", "\0", "'"])
async def test_nobody_cannot_be_changed(house: House, session: AsyncSession, name: str) -> None:
    someone = ALICE._replace(username=name)
    with pytest.raises(NoSuchPerson):
        await block(house, someone)
    with pytest.raises(NoSuchPerson):
        await unblock(house, someone)
    with pytest.raises(NoSuchPerson):
        await access.set_role(session, name=name, role_name="User", client=OPERATOR)
    with pytest.raises(NoSuchPerson):
        await access.end_sessions(session, name=name, client=OPERATOR)
    with pytest.raises(NoSuchPerson):
        await access.end_session(session, name=name, session_id=uuid4(), client=OPERATOR)
    with pytest.raises(NoSuchPerson):
        await access.delete(session, name=name, typed=name, client=OPERATOR)
    with pytest.raises(NoSuchPerson):
        await people.show(session, config=house.config, name=name)


async def test_an_unknown_role_is_refused(house: House, session: AsyncSession) -> None:
    await settle(house, ALICE)
    with pytest.raises(NoSuchRole, match="User, Moderator, Administrator"):
        await access.set_role(session, name="alice", role_name="Emperor", client=OPERATOR)


async def test_another_name_deletes_nobody(house: House, session: AsyncSession) -> None:
    await settle(house, ALICE)
    for typed in ("", "bob", "ALICE", ALICE.email):
        with pytest.raises(WrongWord, match="alice"):
            await access.delete(session, name="alice", typed=typed, client=OPERATOR)
    assert len(await access.everybody(session)) == 1


class TestTheLastAdministrator:
    async def remove(self, session: AsyncSession, deed: str) -> None:
        if deed == "block":
            await access.block(session, name="root", client=OPERATOR)
        elif deed == "role":
            await access.set_role(session, name="root", role_name="Moderator", client=OPERATOR)
        else:
            await access.delete(session, name="root", typed="root", client=OPERATOR)

    @pytest.mark.parametrize("deed", ["block", "role", "delete"])
    @pytest.mark.parametrize(
        "other", ["", "blocked_at = now()", "delete_at = now()", "confirmed_at = NULL",
                  "password_hash = NULL"],
    )  # fmt: skip
    async def test_stays(self, house: House, session: AsyncSession, deed: str, other: str) -> None:
        """An administrator who cannot sign in is none."""
        await settle(house, ROOT, role="Administrator")
        if other:
            await settle(house, BOB, role="Administrator")
            async with house.engine.begin() as connection:
                await connection.execute(
                    text(f"UPDATE users SET {other} WHERE username = 'bob'")  # noqa: S608
                )
        secret = await signed_in(house, ROOT)
        before = await events(house)
        with pytest.raises(LastAdministrator):
            await self.remove(session, deed)
        assert await who(house, secret) == "root"
        assert await role_of(session, "root") == "Administrator"
        assert await events(house) == before

    @pytest.mark.parametrize("deed", ["block", "role", "delete"])
    async def test_may_go_if_there_is_another(
        self, house: House, session: AsyncSession, deed: str
    ) -> None:
        await settle(house, ROOT, role="Administrator")
        await settle(house, BOB, role="Administrator")
        await self.remove(session, deed)

    async def test_where_there_was_none_nobody_is_stuck(
        self, house: House, session: AsyncSession
    ) -> None:
        await settle(house, ROOT)
        await self.remove(session, "block")
        await access.set_role(session, name="root", role_name="Administrator", client=OPERATOR)
        await invite(house, BOB, "Administrator")
        await self.remove(session, "role")


async def test_a_role_is_found_in_any_case(house: House, session: AsyncSession) -> None:
    await settle(house, ALICE)
    await access.set_role(session, name=ALICE.email, role_name="moderator", client=OPERATOR)
    assert [person.role for person in await access.everybody(session)] == ["Moderator"]


async def test_a_person_is_meant_by_id_too(house: House, session: AsyncSession) -> None:
    await settle(house, ALICE)
    name = str(await id_of(house, ALICE))
    await access.block(session, name=name, client=OPERATOR)
    found = await people.show(session, config=house.config, name=name)
    assert found.person.states == ["blocked"]


async def test_nobody_signs_in_by_id(house: House) -> None:
    await settle(house, ALICE)
    name = str(await id_of(house, ALICE))
    with pytest.raises(Exception, match="Invalid username or password"):
        await sign_in(house, ALICE, name=name)


async def test_people_are_listed_the_newest_last(house: House, session: AsyncSession) -> None:
    await settle(house, BOB)
    await settle(house, ALICE)
    await block(house, BOB)
    people = await access.everybody(session)
    assert [person.username for person in people] == ["bob", "alice"]
    assert [person.blocked_at is not None for person in people] == [True, False]
    assert not any("hash" in field for field in people[0]._fields)


async def test_every_change_is_on_record(house: House, session: AsyncSession) -> None:
    await settle(house, ALICE, role="Moderator")
    await block(house, ALICE)
    await unblock(house, ALICE)
    await signed_in(house, ALICE)
    await access.end_sessions(session, name="alice", client=OPERATOR)
    await access.end_sessions_of_everybody(session, client=OPERATOR)
    await access.delete(session, name="alice", typed="alice", client=OPERATOR)
    assert (await events(house))[-7:] == [
        "account.role_set",
        "account.blocked",
        "account.unblocked",
        "login.succeeded",
        "account.sessions_ended",
        "login.everybody_ended",
        "account.erased",
    ]


async def test_what_is_left_of_who_is_erased_says_nothing_of_him(
    house: House, session: AsyncSession
) -> None:
    await settle(house, ALICE)
    await settle(house, ROOT, role="Administrator")
    await signed_in(house, ALICE)
    await access.block(session, name="alice", reason="alice was rude to bob", client=OPERATOR)
    alice = await id_of(house, ALICE)
    await access.delete(session, name="alice", typed="alice", client=OPERATOR)
    async with house.engine.connect() as connection:
        rows = await connection.execute(
            text(
                "SELECT event, host(ip), user_agent, detail->>'reason' FROM audit_events "
                "WHERE subject_id = :alice ORDER BY id"
            ),
            {"alice": alice},
        )
        left = [tuple(row) for row in rows]
    assert [row[0] for row in left] == [
        "account.confirmed", "login.succeeded", "account.blocked", "account.erased",
    ]  # fmt: skip
    his = [row[1:] for row in left if row[0] in {"account.confirmed", "login.succeeded"}]
    assert set(his) == {("0.0.0.0", "", None)}  # noqa: S104 - no address
    assert [row[3] for row in left] == [None] * 4
    async with house.engine.connect() as connection:
        registered = await connection.execute(
            text("SELECT host(ip) FROM audit_events WHERE event = 'account.registered' ORDER BY id")
        )
        letters_left = await connection.scalar(
            text("SELECT count(*) FROM outbox WHERE recipient = :email"), {"email": ALICE.email}
        )
    assert list(registered.scalars()) == ["0.0.0.0", CLIENT.ip]  # noqa: S104 - likewise
    assert letters_left == 0


@pytest.mark.parametrize("slices", [1, 3, 16])
async def test_all_slices_together_are_all_sessions(
    house: House, session: AsyncSession, monkeypatch: pytest.MonkeyPatch, slices: int
) -> None:
    monkeypatch.setattr(access, "SLICES", slices)
    await settle(house, ALICE)
    for _ in range(20):
        await signed_in(house, ALICE)
    async with house.engine.begin() as connection:
        await connection.execute(
            text(
                "UPDATE login_sessions SET id = CASE seen_at WHEN (SELECT max(seen_at) FROM "
                "login_sessions) THEN 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid ELSE id END"
            )
        )
    assert await access.end_sessions_of_everybody(session, client=OPERATOR) == 20
