"""How many sessions there are."""

import pytest
from sqlalchemy import text

from app.flows import login
from app.models import session as sessions
from app.services import House
from tests.contexts import context
from tests.people import ALICE, move_time, settle, signed_in


async def live(house: House) -> int:
    async with context(house) as ctx:
        return await login.live_sessions(ctx)


async def test_sessions_are_counted_and_of_very_many_not_all(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A site with five million has an administration, and not a statement that meets its limit."""
    await settle(house, ALICE)
    for _ in range(3):
        await signed_in(house, ALICE)
    assert await live(house) == 3
    monkeypatch.setattr(sessions, "COUNTED_AT_MOST", 2)
    assert await live(house) in {2, 3}
    async with house.engine.begin() as connection:
        await connection.execute(text("ANALYZE login_sessions"))
    assert await live(house) == 3
    await move_time(house, "login_sessions", "expires_at", "1000 days")
    assert await live(house) == 0
