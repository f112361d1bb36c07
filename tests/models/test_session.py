"""How many sessions there are."""

import pytest
from sqlalchemy import text

from app.flows import login
from app.models import session as sessions
from app.services import Services
from tests.contexts import context
from tests.users import ALICE, create_user, move_time, signed_in


async def live(services: Services) -> int:
    async with context(services) as ctx:
        return await login.live_sessions(ctx)


async def test_sessions_are_counted_and_of_very_many_not_all(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A site with five million has an administration, and not a statement that meets its limit."""
    await create_user(services, ALICE)
    for _ in range(3):
        await signed_in(services, ALICE)
    assert await live(services) == 3
    monkeypatch.setattr(sessions, "COUNTED_AT_MOST", 2)
    assert await live(services) in {2, 3}
    async with services.engine.begin() as connection:
        await connection.execute(text("ANALYZE login_sessions"))
    assert await live(services) == 3
    await move_time(services, "login_sessions", "expires_at", "1000 days")
    assert await live(services) == 0


async def test_of_too_many_sessions_of_a_user_the_oldest_ends(services: Services) -> None:
    """SE-11."""
    await create_user(services, ALICE)
    made = [await signed_in(services, ALICE) for _ in range(sessions.SESSIONS_PER_USER + 1)]
    assert await live(services) == sessions.SESSIONS_PER_USER
    assert await services.signed_in(made[0]) is None
    assert await services.signed_in(made[-1]) is not None
