"""Reading the audit log: a page of the lines that a filter wants."""

from datetime import UTC, date, datetime, time, timedelta
from ipaddress import IPv4Network, IPv6Network
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    cast,
    func,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from app.kit.audit import Place, Written
from app.models.audit import AuditEvent
from app.models.base import bound
from app.models.user import User


class EventFilter(NamedTuple):
    """Which lines. ``user`` acted or was acted upon; ``until`` itself is left out."""

    events: tuple[str, ...] = ()
    user: UUID | None = None
    network: IPv4Network | IPv6Network | None = None
    since: datetime | None = None
    until: datetime | None = None


DAY = timedelta(days=1)
COUNTED = 5_000
_PLACE = (AuditEvent.at, AuditEvent.id)
_NEWEST_FIRST = (AuditEvent.at.desc(), AuditEvent.id.desc())


async def page(
    db: AsyncSession,
    wanted: EventFilter,
    *,
    before: Place | None,
    size: int,
    has_usernames: bool,
) -> list[Written]:
    """Return the newest lines, of those that stand before a place.

    ``has_usernames``: whether people are told by them; else by their addresses.
    """
    actor, subject = aliased(User), aliased(User)
    statement = (
        select(
            AuditEvent.id,
            AuditEvent.at,
            AuditEvent.event,
            AuditEvent.actor_id,
            (actor.username if has_usernames else actor.email).label("actor"),
            AuditEvent.subject_id,
            (subject.username if has_usernames else subject.email).label("subject"),
            func.host(AuditEvent.ip).label("ip"),
            AuditEvent.user_agent,
            AuditEvent.request_id,
            AuditEvent.detail,
        )
        .outerjoin(actor, actor.id == AuditEvent.actor_id)
        .outerjoin(subject, subject.id == AuditEvent.subject_id)
        .where(AuditEvent.id.in_(_wanted(wanted, before, size)))
        .order_by(*_NEWEST_FIRST)
        .limit(size)
    )
    return [bound(Written, row) for row in (await db.execute(statement)).all()]


def _wanted(wanted: EventFilter, before: Place | None, size: int) -> Select[tuple[int]]:
    """Select the ids; who acted and who was acted upon are looked up by an index each."""
    lines = select(AuditEvent.id).where(*_conditions(wanted, before))
    lines = lines.order_by(*_NEWEST_FIRST).limit(size)
    ways: list[ColumnElement[bool]] = [true()]
    if wanted.user is not None:
        ways = [AuditEvent.subject_id == wanted.user, AuditEvent.actor_id == wanted.user]
    kinds = [AuditEvent.event == event for event in wanted.events] or [true()]
    found = [select(lines.where(way, kind).subquery().c.id) for way in ways for kind in kinds]
    return select(union_all(*found).subquery().c.id)


async def hours_of(db: AsyncSession, wanted: EventFilter, day: date) -> list[int]:
    """Count the lines of each hour of a day in UTC, of the newest ``COUNTED`` of that day."""
    midnight = datetime.combine(day, time(), UTC)
    span = wanted._replace(
        since=max(wanted.since or midnight, midnight),
        until=min(wanted.until or midnight + DAY, midnight + DAY),
    )
    ids = _wanted(span, None, COUNTED)
    hour = func.extract("hour", AuditEvent.at.op("AT TIME ZONE")("UTC"))
    counted = select(hour, func.count()).where(AuditEvent.id.in_(ids)).group_by(hour)
    found = {int(number): count for number, count in await db.execute(counted)}
    return [found.get(number, 0) for number in range(24)]


def _conditions(wanted: EventFilter, before: Place | None) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if before is not None:
        conditions.append(tuple_(*_PLACE) < tuple_(before.at, before.id))
    if wanted.network is not None:
        first, last = wanted.network[0], wanted.network[-1]
        conditions.append(AuditEvent.ip.between(cast(str(first), INET), cast(str(last), INET)))
    if wanted.since is not None:
        conditions.append(AuditEvent.at >= wanted.since)
    if wanted.until is not None:
        conditions.append(AuditEvent.at < wanted.until)
    return conditions
