"""One deed to many: the rules of one user hold for each."""

import time
from collections.abc import Callable

import pytest
from sqlalchemy import text

from app.context import Context
from app.flows import bulk
from app.flows.bulk import Chosen, Deed
from app.flows.user_search import UserFilter
from app.kit.bulk_errors import NobodyChosen, NumberChanged, TooManyUsers
from app.kit.errors import LastAdministrator, NotPermitted
from app.kit.permissions import Permission
from app.services import Services
from tests.contexts import context
from tests.flows.test_user_search import CROWD
from tests.users import ALICE, BOB, ROOT, actor_of, create_user, events


async def count(services: Services, condition: str) -> int:
    async with services.engine.connect() as connection:
        statement = f"SELECT count(*) FROM users WHERE {condition}"  # noqa: S608
        found: int = await connection.scalar(text(statement))
        return found


async def test_nobody_and_too_many_are_refused(services: Services, ctx: Context) -> None:
    with pytest.raises(NobodyChosen):
        await bulk.choose(ctx, Deed.BLOCK, Chosen(wanted=UserFilter("nobody")))
    async with services.engine.begin() as connection:
        await connection.execute(text(CROWD))
    for wanted in (UserFilter(), UserFilter("example.com"), UserFilter(never_seen=True)):
        with pytest.raises(TooManyUsers):
            await bulk.choose(ctx, Deed.BLOCK, Chosen(wanted=wanted))


async def test_the_last_administrator_stays(services: Services, ctx: Context) -> None:
    await create_user(services, ROOT, role="Administrator")
    await create_user(services, ALICE)
    for deed in (Deed.BLOCK, Deed.DELETE):
        with pytest.raises(LastAdministrator):
            await bulk.carry_out(ctx, deed, Chosen(wanted=UserFilter()), number=2)
    with pytest.raises(LastAdministrator):
        await bulk.carry_out(
            ctx, Deed.ROLE, Chosen(wanted=UserFilter()), number=2, role_name="User"
        )
    assert await count(services, "blocked_at IS NULL") == 2


async def test_who_may_no_more_does_nothing(services: Services) -> None:
    await create_user(services, ROOT, role="Administrator")
    await create_user(services, BOB, role="Moderator")
    await create_user(services, ALICE)
    actor = (await actor_of(services, BOB))._replace(permission=Permission.ADMIN)
    async with context(services, actor=actor) as ctx:
        with pytest.raises(NotPermitted):
            await bulk.carry_out(ctx, Deed.BLOCK, Chosen(wanted=UserFilter("alice")), number=1)
    assert await count(services, "blocked_at IS NOT NULL") == 0


@pytest.mark.parametrize("deed", list(Deed))
async def test_as_many_as_can_be_take_seconds_and_have_a_line_each(
    services: Services, deed: Deed, record_property: Callable[[str, object], None]
) -> None:
    await create_user(services, ROOT, role="Administrator")
    number = 100 if deed is Deed.DELETE else 300
    change = {Deed.UNBLOCK: "blocked_at = now()", Deed.RESEND: "password_hash = NULL"}.get(deed)
    async with services.engine.begin() as connection:
        await connection.execute(text(CROWD.replace("700", str(number))))
        if change:
            await connection.execute(text(f"UPDATE users SET {change} WHERE role_id = 1"))  # noqa: S608
    actor = (await actor_of(services, ROOT))._replace(permission=Permission.ADMIN)
    before = len(await events(services))
    async with context(services, actor=actor) as ctx:
        chosen = Chosen(wanted=UserFilter(role="User"))
        with pytest.raises(NumberChanged):
            await bulk.carry_out(ctx, deed, chosen, number=number - 1, role_name="Moderator")
        begun = time.monotonic()
        done = await bulk.carry_out(ctx, deed, chosen, number=number, role_name="Moderator")
        record_property("figure", f"bulk {deed}: {time.monotonic() - begun:.1f} s")
    changed = 0 if deed is Deed.END_SESSIONS else number
    assert done == (changed, number - changed, 0)
    assert len(await events(services)) - before == changed
