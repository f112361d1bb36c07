"""An operator's hand on people."""

from uuid import uuid4

import pytest
from sqlalchemy import text

from app.context import Context
from app.flows import access, user_search
from app.kit.errors import LastAdministrator, NoSuchRole, NoSuchUser, WrongCredentials, WrongWord
from app.services import Services
from tests.contexts import CLIENT
from tests.invitations import invite
from tests.refusals import refused
from tests.users import (
    ALICE,
    BOB,
    ROOT,
    block,
    create_user,
    events,
    id_of,
    sign_in,
    signed_in,
    unblock,
    who,
)


async def role_of(ctx: Context, name: str) -> str:
    return {user.username: user.role for user in await access.everybody(ctx)}[name]


UNKNOWN = "d1321b13-671b-4971-bc1a-5f99f709c234"


@pytest.mark.parametrize("name", ["alice", "alice@example.com", UNKNOWN, "", "\0", "'"])
async def test_nobody_cannot_be_changed(services: Services, ctx: Context, name: str) -> None:
    someone = ALICE._replace(username=name)
    with pytest.raises(NoSuchUser):
        await block(services, someone)
    with pytest.raises(NoSuchUser):
        await unblock(services, someone)
    with pytest.raises(NoSuchUser):
        await access.set_role(ctx, name=name, role_name="User")
    with pytest.raises(NoSuchUser):
        await access.end_sessions(ctx, name=name)
    with pytest.raises(NoSuchUser):
        await access.end_session(ctx, name=name, session_id=uuid4())
    with pytest.raises(NoSuchUser):
        await access.delete(ctx, name=name, typed=name)
    with pytest.raises(NoSuchUser):
        await user_search.show(ctx, name=name)


async def test_an_unknown_role_is_refused(services: Services, ctx: Context) -> None:
    await create_user(services, ALICE)
    with refused(NoSuchRole, "User, Moderator, Administrator"):
        await access.set_role(ctx, name="alice", role_name="Emperor")


async def test_another_name_deletes_nobody(services: Services, ctx: Context) -> None:
    await create_user(services, ALICE)
    for typed in ("", "bob", "ALICE", ALICE.email):
        with refused(WrongWord, "alice"):
            await access.delete(ctx, name="alice", typed=typed)
    assert len(await access.everybody(ctx)) == 1


class TestTheLastAdministrator:
    async def remove(self, ctx: Context, deed: str) -> None:
        if deed == "block":
            await access.block(ctx, name="root")
        elif deed == "role":
            await access.set_role(ctx, name="root", role_name="Moderator")
        else:
            await access.delete(ctx, name="root", typed="root")

    @pytest.mark.parametrize("deed", ["block", "role", "delete"])
    @pytest.mark.parametrize(
        "other", ["", "blocked_at = now()", "delete_at = now()", "confirmed_at = NULL",
                  "password_hash = NULL"],
    )  # fmt: skip
    async def test_stays(self, services: Services, ctx: Context, deed: str, other: str) -> None:
        """An administrator who cannot sign in is none."""
        await create_user(services, ROOT, role="Administrator")
        if other:
            await create_user(services, BOB, role="Administrator")
            async with services.engine.begin() as connection:
                await connection.execute(
                    text(f"UPDATE users SET {other} WHERE username = 'bob'")  # noqa: S608
                )
        secret = await signed_in(services, ROOT)
        before = await events(services)
        with pytest.raises(LastAdministrator):
            await self.remove(ctx, deed)
        assert await who(services, secret) == "root"
        assert await role_of(ctx, "root") == "Administrator"
        assert await events(services) == before

    @pytest.mark.parametrize("deed", ["block", "role", "delete"])
    async def test_may_go_if_there_is_another(
        self, services: Services, ctx: Context, deed: str
    ) -> None:
        await create_user(services, ROOT, role="Administrator")
        await create_user(services, BOB, role="Administrator")
        await self.remove(ctx, deed)

    async def test_where_there_was_none_nobody_is_stuck(
        self, services: Services, ctx: Context
    ) -> None:
        await create_user(services, ROOT)
        await self.remove(ctx, "block")
        await access.set_role(ctx, name="root", role_name="Administrator")
        await invite(services, BOB, "Administrator")
        await self.remove(ctx, "role")


async def test_a_role_is_found_in_any_case(services: Services, ctx: Context) -> None:
    await create_user(services, ALICE)
    await access.set_role(ctx, name=ALICE.email, role_name="moderator")
    assert [user.role for user in await access.everybody(ctx)] == ["Moderator"]


async def test_a_person_is_meant_by_id_too(services: Services, ctx: Context) -> None:
    await create_user(services, ALICE)
    name = str(await id_of(services, ALICE))
    await access.block(ctx, name=name)
    found = await user_search.show(ctx, name=name)
    assert found.user.states == ["blocked"]


async def test_nobody_signs_in_by_id(services: Services) -> None:
    await create_user(services, ALICE)
    name = str(await id_of(services, ALICE))
    with refused(WrongCredentials, "Incorrect email, username or password"):
        await sign_in(services, ALICE, name=name)


async def test_people_are_listed_the_newest_last(services: Services, ctx: Context) -> None:
    await create_user(services, BOB)
    await create_user(services, ALICE)
    await block(services, BOB)
    users = await access.everybody(ctx)
    assert [user.username for user in users] == ["bob", "alice"]
    assert [user.blocked_at is not None for user in users] == [True, False]
    assert not any("hash" in field for field in users[0]._fields)


async def test_every_change_is_on_record(services: Services, ctx: Context) -> None:
    await create_user(services, ALICE, role="Moderator")
    await block(services, ALICE)
    await unblock(services, ALICE)
    await signed_in(services, ALICE)
    await access.end_sessions(ctx, name="alice")
    await access.end_sessions_of_everybody(ctx)
    await access.delete(ctx, name="alice", typed="alice")
    assert (await events(services))[-7:] == [
        "account.role_set",
        "account.blocked",
        "account.unblocked",
        "login.succeeded",
        "account.sessions_ended",
        "login.everybody_ended",
        "account.deleted",
    ]


async def test_what_is_left_of_who_is_erased_says_nothing_of_him(
    services: Services, ctx: Context
) -> None:
    await create_user(services, ALICE)
    await create_user(services, ROOT, role="Administrator")
    await signed_in(services, ALICE)
    await access.block(ctx, name="alice", reason="alice was rude to bob")
    alice = await id_of(services, ALICE)
    await access.delete(ctx, name="alice", typed="alice")
    async with services.engine.connect() as connection:
        rows = await connection.execute(
            text(
                "SELECT event, host(ip), user_agent, detail->>'reason' FROM audit_events "
                "WHERE subject_id = :alice ORDER BY id"
            ),
            {"alice": alice},
        )
        left = [tuple(row) for row in rows]
    assert [row[0] for row in left] == [
        "account.confirmed", "login.succeeded", "account.blocked", "account.deleted",
    ]  # fmt: skip
    his = [row[1:] for row in left if row[0] in {"account.confirmed", "login.succeeded"}]
    assert set(his) == {("0.0.0.0", "", None)}  # noqa: S104 - no address
    assert [row[3] for row in left] == [None] * 4
    async with services.engine.connect() as connection:
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
    services: Services, ctx: Context, monkeypatch: pytest.MonkeyPatch, slices: int
) -> None:
    monkeypatch.setattr(access, "SLICES", slices)
    await create_user(services, ALICE)
    for _ in range(20):
        await signed_in(services, ALICE)
    async with services.engine.begin() as connection:
        await connection.execute(
            text(
                "UPDATE login_sessions SET id = CASE seen_at WHEN (SELECT max(seen_at) FROM "
                "login_sessions) THEN 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid ELSE id END"
            )
        )
    assert await access.end_sessions_of_everybody(ctx) == 20
