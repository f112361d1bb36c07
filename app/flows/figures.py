"""The numbers of a site, for who looks after it: as of now, and day by day."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from app.context import Context
from app.kit.audit import Event
from app.models import daily_count, factor, outbox, registration, user_list
from app.models import session as sessions
from app.models.outbox import Backlog
from app.models.user_list import Total
from app.models.user_search import UserFilter, UserState

__all__ = ["Day", "Figures", "Total", "look"]

DAYS = 30
WEEK = timedelta(days=7)
COUNTED_ON_PAGE = 10_000  # of an event on a day that housekeeping has not counted yet
FAILED = (Event.SIGN_IN_FAILED, Event.FACTOR_FAILED)
CHARTED = (Event.SIGNED_IN, *FAILED)


class Day(NamedTuple):
    """How many signed in on a day in UTC, and how many tries failed."""

    day: date
    signed_in: int
    failed: int


class Figures(NamedTuple):
    """How things stand. ``days``: the last thirty, the oldest first.

    ``most_today``: of a day that is not over, no more are counted.
    """

    users: Total
    new_this_week: Total
    new_last_week: Total
    with_factor: int
    blocked: Total
    invited: Total
    pending: int
    waiting: Backlog
    given_up: int
    sessions: int
    days: Sequence[Day]
    most_today: int = COUNTED_ON_PAGE


async def look(ctx: Context) -> Figures:
    """Return how things stand."""
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    last_week = UserFilter(created_since=now - 2 * WEEK, created_before=now - WEEK)
    async with ctx.db.begin():
        return Figures(
            users=await user_list.count(ctx.db, UserFilter()),
            new_this_week=await user_list.count(ctx.db, UserFilter(created_since=now - WEEK)),
            new_last_week=await user_list.count(ctx.db, last_week),
            with_factor=await factor.count_people(ctx.db),
            blocked=await user_list.count(ctx.db, UserFilter(state=UserState.BLOCKED)),
            invited=await user_list.count(ctx.db, UserFilter(state=UserState.INVITED)),
            pending=await registration.count_waiting(ctx.db),
            waiting=await outbox.waiting(ctx.db),
            given_up=len(await outbox.given_up(ctx.db, most=1000, within=timedelta(days=1))),
            sessions=await sessions.count_live(ctx.db),
            days=await _days(ctx),
        )


async def _days(ctx: Context) -> list[Day]:
    today = datetime.now(UTC).date()
    days = [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    known = dict(await daily_count.known(ctx.db, since=days[0]))
    missing = [day for day in days if (day, str(Event.SIGNED_IN)) not in known]
    events = [str(event) for event in CHARTED]
    known |= await daily_count.live(ctx.db, days=missing, events=events, most=COUNTED_ON_PAGE)
    return [
        Day(
            day,
            known.get((day, str(Event.SIGNED_IN)), 0),
            sum(known.get((day, str(event)), 0) for event in FAILED),
        )
        for day in days
    ]
