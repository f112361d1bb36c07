"""Two who remove each other at once: one administrator is left (AZ-05)."""

import asyncio

import pytest
from sqlalchemy import text

from app.flows import access, roles
from app.kit.errors import LastAdministrator, Refusal, RoleHeld
from app.kit.permissions import Permission
from app.services import Services
from tests.contexts import operator
from tests.invitations import invite
from tests.races.together import at_once, wins
from tests.users import BOB, ROOT, create_user

ROUNDS = 25


async def block(services: Services, name: str) -> None:
    async with operator(services) as ctx:
        await access.block(ctx, name=name)


async def demote(services: Services, name: str) -> None:
    async with operator(services) as ctx:
        await access.set_role(ctx, name=name, role_name="User")


async def delete(services: Services, name: str) -> None:
    async with operator(services) as ctx:
        await access.delete(ctx, name=name, typed=name)


async def weaken(services: Services, _: str) -> None:
    async with operator(services) as ctx:
        await roles.set_permissions(ctx, name="Administrator", permissions=Permission.MODERATE)


async def able(services: Services) -> int:
    async with services.engine.connect() as connection:
        found: int = await connection.scalar(
            text(
                "SELECT count(*) FROM users JOIN roles ON roles.id = role_id "
                "WHERE permissions & 16 <> 0 AND blocked_at IS NULL"
            )
        )
    return found


@pytest.mark.parametrize(
    ("one", "other"), [(block, block), (demote, demote), (block, demote), (demote, block)]
)
async def test_of_two_who_remove_each_other_one_stays(
    services: Services, one: type, other: type
) -> None:
    for someone in (ROOT, BOB):
        await create_user(services, someone, role="Administrator")
    for _ in range(ROUNDS):
        async with services.engine.begin() as connection:
            await connection.execute(
                text(
                    "UPDATE users SET blocked_at = NULL, "
                    "role_id = (SELECT id FROM roles WHERE name = 'Administrator')"
                )
            )
        outcomes = await at_once(one(services, "root"), other(services, "bob"))
        assert wins(outcomes) == 1
        assert sum(isinstance(outcome, LastAdministrator) for outcome in outcomes) == 1
        assert await able(services) == 1


@pytest.mark.parametrize("_round", range(3))
async def test_of_many_ways_at_once_none_removes_the_last(services: Services, _round: int) -> None:
    for someone in (ROOT, BOB):
        await create_user(services, someone, role="Administrator")
    outcomes = await asyncio.gather(
        block(services, "root"), demote(services, "bob"), delete(services, "root"),
        delete(services, "bob"), demote(services, "root"), block(services, "bob"),
        weaken(services, ""), weaken(services, ""),
        return_exceptions=True,
    )  # fmt: skip
    assert not [
        outcome
        for outcome in outcomes
        if isinstance(outcome, BaseException) and not isinstance(outcome, Refusal)
    ]
    assert await able(services) == 1


@pytest.mark.parametrize("_round", range(20))
async def test_a_role_that_is_being_given_is_not_deleted(services: Services, _round: int) -> None:
    """Also by an invitation, which does not take turns with those who change roles."""
    await create_user(services, ROOT)

    async def give() -> None:
        async with operator(services) as ctx:
            await access.set_role(ctx, name="root", role_name="Fleeting")

    async def remove() -> None:
        async with operator(services) as ctx:
            await roles.delete(ctx, name="Fleeting")

    async with operator(services) as ctx:
        await roles.create(ctx, name="Fleeting", permissions=Permission.WRITE)
    try:
        outcomes = await at_once(invite(services, BOB, "Fleeting"), remove(), give())
        assert isinstance(outcomes[1], RoleHeld) or wins(outcomes) == 1
    finally:
        async with services.engine.begin() as connection:
            await connection.execute(text("DELETE FROM users"))
            await connection.execute(text("DELETE FROM roles WHERE name = 'Fleeting'"))
