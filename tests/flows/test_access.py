"""An operator's view of people."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.flows import access
from app.house import House
from app.kit.client import OPERATOR
from app.kit.errors import NoSuchPerson, NoSuchRole
from tests.people import ALICE, BOB, block, events, settle, unblock


async def test_nobody_cannot_be_blocked(house: House, session: AsyncSession) -> None:
    with pytest.raises(NoSuchPerson):
        await block(house, ALICE)
    with pytest.raises(NoSuchPerson):
        await unblock(house, ALICE)
    with pytest.raises(NoSuchPerson):
        await access.set_role(session, name="alice", role_name="User", client=OPERATOR)


async def test_an_unknown_role_is_refused(house: House, session: AsyncSession) -> None:
    await settle(house, ALICE)
    with pytest.raises(NoSuchRole, match="User, Moderator, Administrator"):
        await access.set_role(session, name="alice", role_name="Emperor", client=OPERATOR)


async def test_a_role_is_found_in_any_case(house: House, session: AsyncSession) -> None:
    await settle(house, ALICE)
    await access.set_role(session, name=ALICE.email, role_name="moderator", client=OPERATOR)
    assert [person.role for person in await access.everybody(session)] == ["Moderator"]


async def test_people_are_listed_the_newest_last(house: House, session: AsyncSession) -> None:
    await settle(house, BOB)
    await settle(house, ALICE)
    await block(house, BOB)
    people = await access.everybody(session)
    assert [person.username for person in people] == ["bob", "alice"]
    assert [person.blocked_at is not None for person in people] == [True, False]
    assert not any("hash" in field for field in people[0]._fields)


async def test_every_change_is_on_record(house: House) -> None:
    await settle(house, ALICE, role="Moderator")
    await block(house, ALICE)
    await unblock(house, ALICE)
    assert (await events(house))[-3:] == [
        "account.role_set",
        "account.blocked",
        "account.unblocked",
    ]
