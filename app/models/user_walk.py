"""Going through users in one of several orders, from a place on: so many at most are looked at."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, literal, literal_column, select, tuple_
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.util import ClauseAdapter

from app.kit.addresses import canonical, id_of
from app.models.finding import KEY
from app.models.user import SEEN, User
from app.models.user_search import Listed

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
seen_at: ColumnElement[Any] = literal_column(SEEN, TIMESTAMP(timezone=True))
never: ColumnElement[Any] = literal_column("'-infinity'::timestamptz", TIMESTAMP(timezone=True))


class Order(StrEnum):
    """In which order. Who never signed in comes last in SEEN, and first in UNSEEN."""

    NAME = "name"
    NEWEST = "newest"
    OLDEST = "oldest"
    SEEN = "seen"
    UNSEEN = "unseen"

    @property
    def is_falling(self) -> bool:
        """Whether the largest comes first."""
        return self in {Order.NEWEST, Order.SEEN}

    def mark(self, user: Listed) -> str:
        """Return a user's place as text, fit for an address."""
        if self is Order.NAME:
            return user.username
        seen = self in {Order.SEEN, Order.UNSEEN}
        return _mark(user.last_login_at if seen else user.created_at, user.id)


class Walk(NamedTuple):
    """Going through a segment of users in one order, from a place on.

    ``most``: how many are looked at; None if ``conditions`` say who they are by an index.
    """

    order: Order
    place: str
    segment: ColumnElement[bool]
    conditions: Sequence[ColumnElement[bool]]
    is_back: bool
    most: int | None

    async def ids(self, db: AsyncSession, size: int) -> list[UUID]:
        """Return who comes first."""
        directed = self._directed(columns(self.order))
        if self.most is None:
            statement = select(User.id).where(*self._behind(), *self.conditions).order_by(*directed)
            return list(await db.scalars(statement.limit(size)))
        first = columns(self.order)[0].label("place")
        some = select(User.__table__, first).where(*self._behind()).order_by(*directed)
        walked = some.limit(self.most).subquery("walked")
        in_walked = ClauseAdapter(walked)
        statement = select(walked.c.id).where(*map(in_walked.traverse, self.conditions))
        ordered = statement.order_by(*self._directed([walked.c.place, *self._more(walked.c.id)]))
        return list(await db.scalars(ordered.limit(size)))

    async def end(self, db: AsyncSession) -> str:
        """Return the mark of the last one who was looked at, empty if that is the end of all."""
        if self.most is None:
            return ""
        if self.order is Order.NAME:
            named = select(User.username_key).where(*self._behind())
            in_order = named.order_by(*self._directed([KEY])).offset(self.most - 1).limit(1)
            return await db.scalar(in_order) or ""
        kind = User.last_login_at if self.order in {Order.SEEN, Order.UNSEEN} else User.created_at
        last = (
            select(User.id, kind.label("at"))
            .where(*self._behind())
            .order_by(*self._directed(columns(self.order)))
            .offset(self.most - 1)
            .limit(1)
        )
        row = (await db.execute(last)).one_or_none()
        return "" if row is None else _mark(row.at, row.id)

    @property
    def _is_falling(self) -> bool:
        return self.order.is_falling != self.is_back

    def _more(self, user_id: ColumnElement[Any]) -> Sequence[ColumnElement[Any]]:
        return [] if self.order is Order.NAME else [user_id]

    def _directed(self, columns: Sequence[ColumnElement[Any]]) -> list[ColumnElement[Any]]:
        return [each.desc() if self._is_falling else each.asc() for each in columns]

    def _behind(self) -> list[ColumnElement[bool]]:
        values = _read(self.order, self.place)
        if values is None:
            return [self.segment]
        here, there = tuple_(*columns(self.order)), tuple_(*values)
        return [self.segment, here < there if self._is_falling else here > there]


def columns(order: Order) -> Sequence[ColumnElement[Any]]:
    """Return what an order goes by, for which there is an index."""
    if order is Order.NAME:
        return [KEY]
    first: Any = seen_at if order in {Order.SEEN, Order.UNSEEN} else User.created_at
    return [first, User.id]


def _read(order: Order, place: str) -> Sequence[ColumnElement[Any]] | None:
    """Return a place as values of the order's columns, None at the beginning or if garbled."""
    if order is Order.NAME:
        key = canonical(place)
        return [literal(key)] if key else None
    moment, _, name = place.partition("_")
    user_id = id_of(name)
    if user_id is None:
        return None
    if moment == "never":
        return [never, literal(user_id)]
    try:
        at = EPOCH + timedelta(microseconds=int(moment))
    except (ValueError, OverflowError):
        return None
    return [literal(at), literal(user_id)]


def _mark(at: datetime | None, user_id: UUID) -> str:
    moment = "never" if at is None else str((at - EPOCH) // timedelta(microseconds=1))
    return f"{moment}_{user_id}"
