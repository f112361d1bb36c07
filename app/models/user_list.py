"""Users in any order, from any place on, forwards and back: a page of those whom a filter wants.

Whom a filter wants are found by an index if they are few, and put in order then. If they are many,
users are gone through in order until a page is full: they stand close together. At most
``WALKED`` are looked at, so a page is never slow; one that ends early says where to go on.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, not_, select, text, true
from sqlalchemy.ext.asyncio import AsyncSession

from app.kit.addresses import canonical
from app.models import finding, profile, user_search
from app.models.profile import ProfileValue
from app.models.user import User
from app.models.user_search import Listed, UserFilter, UserState
from app.models.user_walk import Order, Walk, columns, never, seen_at

__all__ = ["Order", "Total", "UsersInOrder", "count", "few", "page"]

FEW = 1_000
FIRST_LOOK = 500
WALKED = 20_000
COUNTED = 10_000
COUNTED_OF_ALL = 50_000
ESTIMATE = text("SELECT reltuples::bigint FROM pg_class WHERE oid = 'users'::regclass")


class UsersInOrder(NamedTuple):
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
) -> UsersInOrder:
    """Return the users behind a place, or with ``back`` those before it, always in order.

    A garbled place is the beginning.
    """
    conditions = await _conditions(db, wanted)
    if conditions is None:
        return UsersInOrder([], None)
    walks = [
        Walk(order, place_in, segment, conditions, is_back=back, most=FIRST_LOOK)
        for segment, place_in in _segments(wanted, order, place, back=back)
    ]
    found, cut = await _go(db, walks, size + 1)
    if cut:
        ids = await few(db, wanted, most=FEW)
        if ids is None:
            again = [walk._replace(most=WALKED) for walk in walks]
        else:
            again = [walk._replace(most=None, conditions=[User.id.in_(ids)]) for walk in walks]
        found, cut = await _go(db, again, size + 1)
    users = await user_search.listed(db, found[:size])
    following = order.mark(users[-1]) if len(found) > size else cut or None
    return UsersInOrder(users[::-1] if back else users, following, is_cut=bool(cut))


async def _go(db: AsyncSession, walks: Sequence[Walk], size: int) -> tuple[list[UUID], str]:
    """Return who comes first, and where it ended early."""
    found: list[UUID] = []
    for walk in walks:
        found += await walk.ids(db, size - len(found))
        cut = "" if len(found) == size else await walk.end(db)
        if len(found) == size or cut:
            return found, cut
    return found, ""


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
    if sought is not None and wanted.field is None and not _is_of_many(wanted):
        some_by_token = await finding.few(db, sought, most=most)
    if some_by_token is not None and wanted.asks_more:
        narrowed = select(User.id).where(User.id.in_(some_by_token), *_more(wanted))
        return list(await db.scalars(narrowed))
    return some_by_token


async def count(db: AsyncSession, wanted: UserFilter) -> Total:
    """Count who match: exactly if they are few or an index knows, else as far as is cheap."""
    if wanted == UserFilter():
        about = await db.scalar(ESTIMATE) or 0
        if about > COUNTED_OF_ALL:
            return Total(about, is_exact=False, is_about=True)
        return await _counted(db, [true()], Order.NEWEST, COUNTED_OF_ALL)
    ids = await few(db, wanted, most=FEW)
    if ids is not None:
        return Total(len(ids), is_exact=True)
    conditions = await _conditions(db, wanted) or []
    dated = _starts(wanted)
    is_indexed = wanted.state is not UserState.CONFIRMED and wanted.has_factor is not False
    if len(conditions) == 1 and is_indexed and not wanted.part:
        seen = wanted.never_seen or wanted.seen_since or wanted.seen_before
        order = Order.NAME if not dated else Order.SEEN if seen else Order.NEWEST
        return await _counted(db, conditions, order, COUNTED)
    walk = Walk(Order.NEWEST, "", true(), conditions, is_back=False, most=WALKED)
    return Total(len(await walk.ids(db, FEW)), is_exact=False)


def _is_of_many(wanted: UserFilter) -> bool:
    """Whether what has tokens is true of nearly everybody."""
    is_usual = wanted.state in {None, UserState.CONFIRMED}
    return is_usual and wanted.role is None and not wanted.part


async def _counted(
    db: AsyncSession, conditions: Sequence[ColumnElement[bool]], order: Order, most: int
) -> Total:
    """Count by the index of an order, at most so many."""
    some = select(User.id).where(*conditions).order_by(*columns(order)).limit(most + 1)
    number = await db.scalar(select(func.count()).select_from(some.subquery())) or 0
    return Total(min(number, most), is_exact=number <= most)


def _segments(
    wanted: UserFilter, order: Order, place: str, *, back: bool
) -> list[tuple[ColumnElement[bool], str]]:
    """Return the parts of the order that are left, each with the place in it.

    By time it is the span that is wanted. By name come first those whose name begins with what is
    looked for, then all others.
    """
    part = user_search.characters_of(wanted.part)
    if order in {Order.NEWEST, Order.OLDEST}:
        return [(and_(true(), *_created(wanted)), place)]
    if order in {Order.SEEN, Order.UNSEEN}:
        return [(and_(true(), *_seen(wanted)), place)]
    if not part or wanted.field is not None:
        return [(true(), place)]
    begins = finding.begins(part)
    first, second = begins, not_(begins)
    is_in_first = not place or canonical(place).startswith(part)
    if back:
        return [(first, place)] if is_in_first else [(second, place), (first, "")]
    return [(first, place), (second, "")] if is_in_first else [(second, place)]


async def _conditions(db: AsyncSession, wanted: UserFilter) -> list[ColumnElement[bool]] | None:
    """Say all that a filter wants, None if there is no such role."""
    plain = wanted if wanted.field is None else wanted._replace(part="")
    sought = await user_search.sought_by(db, plain)
    if sought is None:
        return None
    found = finding.matches(sought) + _more(wanted)
    if wanted.field is not None:
        told = select(ProfileValue.user_id).where(
            ProfileValue.user_id == User.id, profile.begins(wanted.field, wanted.part)
        )
        found.append(told.exists())
    return found


def _more(wanted: UserFilter) -> list[ColumnElement[bool]]:
    kinds = (_created(wanted), _seen(wanted), _factor(wanted))
    return [and_(*kind) for kind in kinds if kind]


def _factor(wanted: UserFilter) -> list[ColumnElement[bool]]:
    if wanted.has_factor is None:
        return []
    return [User.factors > 0 if wanted.has_factor else User.factors == 0]


def _created(wanted: UserFilter) -> list[ColumnElement[bool]]:
    since, before = wanted.created_since, wanted.created_before
    found = [User.created_at >= since] if since else []
    return found + ([User.created_at < before] if before else [])


def _seen(wanted: UserFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [seen_at == never] if wanted.never_seen else []
    if wanted.seen_since:
        found.append(seen_at >= wanted.seen_since)
    if wanted.seen_before:
        found.append(seen_at < wanted.seen_before)
    return found


def _starts(wanted: UserFilter) -> list[Any]:
    """Return selections of which an index knows all at once, for each that a filter asks for."""
    found: list[Any] = []
    for conditions, order in ((_created(wanted), Order.NEWEST), (_seen(wanted), Order.SEEN)):
        if conditions:
            found.append(select(User.id).where(*conditions).order_by(*columns(order)))
    if wanted.has_factor:
        found.append(select(User.id).where(User.factors > 0).order_by(User.factors))
    if wanted.field is not None:
        begins = profile.begins(wanted.field, wanted.part)
        found.append(select(ProfileValue.user_id).where(begins).order_by(ProfileValue.search_key))
    return found
