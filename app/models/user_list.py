"""Users in any order, from any place on, forwards and back: a page of those whom a filter wants.

Whom a filter wants are found by an index if they are few, and put in order then. If they are many,
users are gone through in order until a page is full: they stand close together. At most
``WALKED`` are looked at, so a page is never slow; one that ends early says where to go on.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    and_,
    func,
    literal,
    literal_column,
    not_,
    select,
    text,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.util import ClauseAdapter

from app.kit.addresses import canonical, id_of
from app.models import finding, profile, user_search
from app.models.finding import KEY
from app.models.profile import ProfileValue
from app.models.user import SEEN, User
from app.models.user_search import Listed, UserFilter, UserState

FEW = 2_000
WALKED = 20_000
COUNTED = 100_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ESTIMATE = text("SELECT reltuples::bigint FROM pg_class WHERE oid = 'users'::regclass")
_seen_at: ColumnElement[Any] = literal_column(SEEN, TIMESTAMP(timezone=True))
_never: ColumnElement[Any] = literal_column("'-infinity'::timestamptz", TIMESTAMP(timezone=True))


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


class Found(NamedTuple):
    """Some users in order. ``next``: the mark behind which more may come, None if none does.

    ``is_cut``: so many were looked at that the page ended before it was full.
    """

    users: list[Listed]
    next: str | None
    is_cut: bool = False


class Total(NamedTuple):
    """How many match. Not ``is_exact``: at least so many, or about so many ``is_about``."""

    number: int
    is_exact: bool
    is_about: bool = False


async def page(
    db: AsyncSession, wanted: UserFilter, order: Order, *, place: str, back: bool, size: int
) -> Found:
    """Return the users behind a place, or with ``back`` those before it, always in order.

    A garbled place is the beginning.
    """
    conditions = await _conditions(db, wanted)
    if conditions is None:
        return Found([], None)
    ids = await few(db, wanted, most=FEW)
    if ids is not None:
        conditions = [User.id.in_(ids)]
    found: list[UUID] = []
    cut = ""
    for segment, place_in in _segments(wanted, order, place, back=back):
        walk = _Walk(order, place_in, segment, conditions, is_back=back, is_whole=ids is not None)
        found += await walk.ids(db, size + 1 - len(found))
        cut = "" if len(found) > size else await walk.end(db)
        if len(found) > size or cut:
            break
    users = await user_search.listed(db, found[:size])
    following = order.mark(users[-1]) if len(found) > size else cut or None
    return Found(users[::-1] if back else users, following, is_cut=bool(cut))


async def few(db: AsyncSession, wanted: UserFilter, *, most: int) -> list[UUID] | None:
    """Return all who match, in no order; None if they may be more than ``most``."""
    conditions = await _conditions(db, wanted)
    if conditions is None:
        return []
    for begin in _starts(wanted):
        some = list(await db.scalars(begin.limit(most + 1)))
        if len(some) <= most:
            return list(await db.scalars(select(User.id).where(User.id.in_(some), *conditions)))
    sought = await user_search.sought_by(db, wanted)
    some_by_token = None
    if sought is not None and wanted.field is None:
        some_by_token = await finding.few(db, sought, most=most)
    if some_by_token is not None and wanted.is_dated:
        narrowed = select(User.id).where(User.id.in_(some_by_token), *_dates(wanted))
        return list(await db.scalars(narrowed))
    return some_by_token


async def count(db: AsyncSession, wanted: UserFilter) -> Total:
    """Count who match: exactly if they are few or an index knows, else as far as is cheap."""
    if wanted == UserFilter():
        about = await db.scalar(ESTIMATE) or 0
        if about > COUNTED:
            return Total(about, is_exact=False, is_about=True)
        return await _counted(db, [true()], Order.NEWEST)
    ids = await few(db, wanted, most=FEW)
    if ids is not None:
        return Total(len(ids), is_exact=True)
    conditions = await _conditions(db, wanted) or []
    dated = _starts(wanted)
    if len(conditions) == 1 and wanted.state is not UserState.CONFIRMED and not wanted.part:
        seen = wanted.never_seen or wanted.seen_since or wanted.seen_before
        order = Order.NAME if not dated else Order.SEEN if seen else Order.NEWEST
        return await _counted(db, conditions, order)
    walk = _Walk(Order.NEWEST, "", true(), conditions, is_back=False, is_whole=False)
    return Total(len(await walk.ids(db, FEW)), is_exact=False)


async def _counted(
    db: AsyncSession, conditions: Sequence[ColumnElement[bool]], order: Order
) -> Total:
    """Count by the index of an order, at most ``COUNTED``."""
    some = select(User.id).where(*conditions).order_by(*_columns(order)).limit(COUNTED + 1)
    number = await db.scalar(select(func.count()).select_from(some.subquery())) or 0
    return Total(min(number, COUNTED), is_exact=number <= COUNTED)


class _Walk(NamedTuple):
    """Going through users in one order; ``is_whole``: all who match are known, it may take all."""

    order: Order
    place: str
    segment: ColumnElement[bool]
    conditions: Sequence[ColumnElement[bool]]
    is_back: bool
    is_whole: bool

    async def ids(self, db: AsyncSession, size: int) -> list[UUID]:
        """Return who comes first."""
        directed = self._directed(_columns(self.order))
        if self.is_whole:
            statement = select(User.id).where(*self._behind(), *self.conditions).order_by(*directed)
            return list(await db.scalars(statement.limit(size)))
        some = select(User.__table__).where(*self._behind()).order_by(*directed)
        walked = some.limit(WALKED).subquery("walked")
        in_walked = ClauseAdapter(walked)
        statement = select(walked.c.id).where(*map(in_walked.traverse, self.conditions))
        ordered = statement.order_by(*map(in_walked.traverse, directed))
        return list(await db.scalars(ordered.limit(size)))

    async def end(self, db: AsyncSession) -> str:
        """Return the mark of the last one who was looked at, empty if that is the end of all."""
        if self.is_whole:
            return ""
        kind = User.last_login_at if self.order in {Order.SEEN, Order.UNSEEN} else User.created_at
        last = (
            select(User.id, User.username, kind.label("at"))
            .where(*self._behind())
            .order_by(*self._directed(_columns(self.order)))
            .offset(WALKED - 1)
            .limit(1)
        )
        row = (await db.execute(last)).one_or_none()
        if row is None:
            return ""
        return str(row.username) if self.order is Order.NAME else _mark(row.at, row.id)

    @property
    def _is_falling(self) -> bool:
        return self.order.is_falling != self.is_back

    def _directed(self, columns: Sequence[ColumnElement[Any]]) -> list[ColumnElement[Any]]:
        return [each.desc() if self._is_falling else each.asc() for each in columns]

    def _behind(self) -> list[ColumnElement[bool]]:
        values = _read(self.order, self.place)
        if values is None:
            return [self.segment]
        here, there = tuple_(*_columns(self.order)), tuple_(*values)
        return [self.segment, here < there if self._is_falling else here > there]


def _columns(order: Order) -> Sequence[ColumnElement[Any]]:
    if order is Order.NAME:
        return [KEY]
    return [_seen_at if order in {Order.SEEN, Order.UNSEEN} else User.created_at, User.id]


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
        return [_never, literal(user_id)]
    try:
        at = EPOCH + timedelta(microseconds=int(moment))
    except (ValueError, OverflowError):
        return None
    return [literal(at), literal(user_id)]


def _mark(at: datetime | None, user_id: UUID) -> str:
    moment = "never" if at is None else str((at - EPOCH) // timedelta(microseconds=1))
    return f"{moment}_{user_id}"


def _segments(
    wanted: UserFilter, order: Order, place: str, *, back: bool
) -> list[tuple[ColumnElement[bool], str]]:
    """Return the parts of the order that are left, each with the place in it.

    By name come first those whose name begins with what is looked for, then all others.
    """
    part = finding_part(wanted)
    if order is not Order.NAME or not part or wanted.field is not None:
        return [(true(), place)]
    begins = finding.begins(part)
    first, second = begins, not_(begins)
    is_in_first = not place or canonical(place).startswith(part)
    if back:
        return [(first, place)] if is_in_first else [(second, place), (first, "")]
    return [(first, place), (second, "")] if is_in_first else [(second, place)]


def finding_part(wanted: UserFilter) -> str:
    """Return what is looked for in the letters of keys."""
    return user_search.characters_of(wanted.part)


async def _conditions(db: AsyncSession, wanted: UserFilter) -> list[ColumnElement[bool]] | None:
    """Say all that a filter wants, None if there is no such role."""
    plain = wanted if wanted.field is None else wanted._replace(part="")
    sought = await user_search.sought_by(db, plain)
    if sought is None:
        return None
    found = finding.matches(sought) + _dates(wanted)
    if wanted.field is not None:
        told = select(ProfileValue.user_id).where(
            ProfileValue.user_id == User.id, profile.begins(wanted.field, wanted.part)
        )
        found.append(told.exists())
    return found


def _dates(wanted: UserFilter) -> list[ColumnElement[bool]]:
    created, seen = _created(wanted), _seen(wanted)
    return [*([and_(*created)] if created else []), *([and_(*seen)] if seen else [])]


def _created(wanted: UserFilter) -> list[ColumnElement[bool]]:
    since, before = wanted.created_since, wanted.created_before
    found = [User.created_at >= since] if since else []
    return found + ([User.created_at < before] if before else [])


def _seen(wanted: UserFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [_seen_at == _never] if wanted.never_seen else []
    if wanted.seen_since:
        found.append(_seen_at >= wanted.seen_since)
    if wanted.seen_before:
        found.append(_seen_at < wanted.seen_before)
    return found


def _starts(wanted: UserFilter) -> list[Any]:
    """Return selections of which an index knows all at once, for each that a filter asks for."""
    found: list[Any] = []
    for conditions, order in ((_created(wanted), Order.NEWEST), (_seen(wanted), Order.SEEN)):
        if conditions:
            found.append(select(User.id).where(*conditions).order_by(*_columns(order)))
    if wanted.field is not None:
        begins = profile.begins(wanted.field, wanted.part)
        found.append(select(ProfileValue.user_id).where(begins).order_by(ProfileValue.search_key))
    return found
