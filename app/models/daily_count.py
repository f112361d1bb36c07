"""How often what happened on each day: counted once when the day is over, for figures and charts.

The audit log is too large to be counted for a page; what is past in it does not change.
"""

from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import Date, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base

Counts = Mapping[tuple[date, str], int]
_LIVE = text("""
SELECT day, event, (
    SELECT count(*) FROM (
        SELECT 1 FROM audit_events
        WHERE audit_events.event = events.event
            AND at >= CAST(day AS timestamp) AT TIME ZONE 'UTC'
            AND at < CAST(day + 1 AS timestamp) AT TIME ZONE 'UTC'
        ORDER BY at LIMIT :most
    ) AS counted
) FROM unnest(CAST(:days AS date[])) AS day, unnest(CAST(:events AS text[])) AS events (event)
""")


class DailyCount(Base):
    """An event's number on a day in UTC."""

    __tablename__ = "daily_counts"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    event: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int]


async def known(db: AsyncSession, *, since: date) -> Counts:
    """Return what is counted from a day on."""
    statement = select(DailyCount.day, DailyCount.event, DailyCount.number)
    rows = await db.execute(statement.where(DailyCount.day >= since))
    return {(day, event): number for day, event, number in rows}


async def live(
    db: AsyncSession, *, days: Sequence[date], events: Sequence[str], most: int
) -> Counts:
    """Count what happened on some days, of each event on each day at most so many."""
    values = {"days": list(days), "events": list(events), "most": most}
    rows = await db.execute(_LIVE, values)
    return {(day, event): number for day, event, number in rows}


async def keep(db: AsyncSession, counts: Counts) -> None:
    """Keep what was counted of days that are over; what is kept already stays."""
    if not counts:
        return
    rows = [
        {"day": day, "event": event, "number": number}
        for (day, event), number in sorted(counts.items())
    ]
    await db.execute(insert(DailyCount).values(rows).on_conflict_do_nothing())
