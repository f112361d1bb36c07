"""Pruning: deleting what nobody needs any more, a little at a time, by one process at a time.

Each table says itself which of its rows that are. No statement here waits for anybody, and nobody
waits long for one: rows in somebody's hands are passed by.
"""

from datetime import timedelta
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    column,
    delete,
    func,
    literal,
    literal_column,
    select,
    true,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.types import NullType

from app.models.base import Base

PLACE = NullType()  # of a row, as PostgreSQL numbers it; it never leaves there
TURN = 0x70_72_75_6E_65  # "prune": the number of the advisory lock


class Stale(NamedTuple):
    """Rows of a table that may go, the oldest first.

    ``near`` bounds the search of a deletion where the order is not that of the condition.
    """

    model: type[Base]
    condition: ColumnElement[bool]
    oldest_first: InstrumentedAttribute[Any] | ColumnElement[Any]
    near: ColumnElement[bool] = true()

    @property
    def table(self) -> str:
        """The table's name."""
        name: str = self.model.__tablename__
        return name


async def take_turn(db: AsyncSession) -> bool:
    """Be the only one who prunes until this transaction ends; False if somebody else is.

    By transaction and not by connection: it has to hold behind a pool that hands those round.
    """
    return bool(await db.scalar(select(func.pg_try_advisory_xact_lock(TURN))))


async def delete_some(db: AsyncSession, stale: Stale, *, limit: int) -> int:
    """Delete at most ``limit`` stale rows; return how many.

    The subquery is an array, so that it runs once whatever the planner does, and the rows are
    found by where they lie: without a look at the rest of the table.
    """
    some = (
        select(literal_column("ctid", PLACE))
        .select_from(stale.model)
        .where(stale.condition, stale.near)
        .order_by(stale.oldest_first)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    statement = delete(stale.model).where(
        column("ctid", PLACE) == func.any(func.array(some.scalar_subquery()))
    )
    result = await db.execute(statement, execution_options={"synchronize_session": False})
    assert isinstance(result, CursorResult)  # noqa: S101 - what a DELETE returns
    return result.rowcount


async def is_overdue(db: AsyncSession, stale: Stale, *, by: timedelta) -> bool:
    """Whether a row should have gone so long ago. For rows whose order is that of their end."""
    overdue = (
        select(literal(1)).select_from(stale.model).where(stale.oldest_first < func.now() - by)
    )
    first = overdue.order_by(stale.oldest_first).limit(1)  # in order, so that the index is used
    return await db.scalar(first) is not None


async def count(db: AsyncSession, stale: Stale) -> int:
    """Return how many rows are stale."""
    statement = select(func.count()).select_from(stale.model).where(stale.condition)
    return await db.scalar(statement) or 0
