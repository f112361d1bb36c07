"""Audit events: who did what to whom, from where. Rows are only ever added, until their term."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Identity,
    Index,
    Uuid,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import INET, JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, aliased, mapped_column

from app.kit.audit import NO_ADDRESS, Event
from app.kit.client import Client
from app.models.base import Base, Now
from app.models.pruning import Stale

IDS_LOOKED_AT = 10_000
LONGEST_WAIT = timedelta(days=30)  # of a registration for its confirmation, by far


class AuditEvent(Base):
    """One line. No foreign keys: the book outlives the people in it."""

    __tablename__ = "audit_events"
    __table_args__ = (
        Index("ix_audit_events_subject_id_at", "subject_id", "at"),
        Index("ix_audit_events_actor_id_at_id", "actor_id", "at", "id"),
        Index("ix_audit_events_event_at_id", "event", "at", "id"),
        Index("ix_audit_events_ip_at_id", "ip", "at", "id"),
        Index("ix_audit_events_at_id", "at", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[Now]
    event: Mapped[str]
    actor_id: Mapped[UUID | None]
    subject_id: Mapped[UUID | None]
    ip: Mapped[str] = mapped_column(INET)
    user_agent: Mapped[str]
    request_id: Mapped[str]
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")


async def write(
    db: AsyncSession,
    event: Event,
    *,
    client: Client,
    subject_id: UUID | None = None,
    actor_id: UUID | None = None,
    **detail: str | int,
) -> None:
    """Add a line, in the transaction of what it tells of."""
    await db.execute(
        insert(AuditEvent).values(
            event=event,
            actor_id=actor_id,
            subject_id=subject_id,
            ip=client.ip,
            user_agent=client.user_agent,
            request_id=client.request_id,
            detail=detail,
        )
    )


async def write_for_all(
    db: AsyncSession, event: Event, *, client: Client, subject_ids: Sequence[UUID]
) -> None:
    """Add a line for each of many people, as ``write`` does for one."""
    subjects = func.unnest(bindparam("subjects", subject_ids, ARRAY(Uuid))).column_valued("id")
    source = select(
        literal(event.value),
        subjects,
        literal(client.ip).cast(INET),
        literal(client.user_agent),
        literal(client.request_id),
    )
    await db.execute(
        insert(AuditEvent).from_select(
            ["event", "subject_id", "ip", "user_agent", "request_id"], source
        )
    )


async def forget_registration(db: AsyncSession, user_id: UUID) -> None:
    """Take the address and the browser with which a user registered out of that line."""
    confirmed = aliased(AuditEvent)
    confirmed_at, registration = (
        select(column)
        .where(confirmed.subject_id == user_id, confirmed.event == Event.CONFIRMED)
        .order_by(confirmed.at)
        .limit(1)
        .scalar_subquery()
        for column in (confirmed.at, confirmed.detail["registration"].astext)
    )
    registered = and_(
        AuditEvent.event == Event.REGISTERED,
        AuditEvent.at.between(confirmed_at - LONGEST_WAIT, confirmed_at),
        AuditEvent.detail["registration"].astext == registration,
    )
    await db.execute(update(AuditEvent).where(registered).values(ip=NO_ADDRESS, user_agent=""))


async def forget_some(
    db: AsyncSession, user_id: UUID, *, since: datetime, most: int
) -> datetime | None:
    """Take a user's addresses and browsers, and why they were blocked, out of the next lines.

    Where an administrator sat who did something to them stays. Returns from which moment on lines
    are left, None if none is.
    """
    reached = []
    for role in (AuditEvent.actor_id, AuditEvent.subject_id):
        moments = await _wipe(db, user_id, role == user_id, since=since, most=most)
        if len(moments) == most:
            reached.append(max(moments))
    return min(reached, default=None)


async def _wipe(
    db: AsyncSession,
    user_id: UUID,
    lines: ColumnElement[bool],
    *,
    since: datetime,
    most: int,
) -> Sequence[datetime]:
    """Wipe at most so many lines that are not wiped yet, the oldest first; return their moments."""
    about = AuditEvent.subject_id == user_id
    own = or_(AuditEvent.actor_id == user_id, and_(about, AuditEvent.actor_id.is_(None)))
    tells = or_(
        and_(own, or_(AuditEvent.ip != cast(NO_ADDRESS, INET), AuditEvent.user_agent != "")),
        and_(about, AuditEvent.detail.has_key("reason")),
    )
    some = (
        select(AuditEvent.id)
        .where(lines, AuditEvent.at >= since, tells)
        .order_by(AuditEvent.at)
        .limit(most)
    )
    without_reason = cast(AuditEvent.detail.op("-")("reason"), JSONB)
    statement = (
        update(AuditEvent)
        .where(AuditEvent.id == func.any(func.array(some.scalar_subquery())))
        .values(
            ip=case((own, cast(NO_ADDRESS, INET)), else_=AuditEvent.ip),
            user_agent=case((own, ""), else_=AuditEvent.user_agent),
            detail=case((about, without_reason), else_=AuditEvent.detail),
        )
        .returning(AuditEvent.at)
    )
    result = await db.scalars(statement, execution_options={"synchronize_session": False})
    return result.all()


def past(term: timedelta) -> Stale:
    """Return the lines that are older than a term.

    Ids grow with time, near enough: a deletion looks at the lowest ones only, so that it needs no
    index of its own on the table that grows most.
    """
    lowest = select(func.min(AuditEvent.id)).scalar_subquery()
    return Stale(
        AuditEvent,
        AuditEvent.at <= func.now() - term,
        AuditEvent.id,
        near=AuditEvent.id < lowest + IDS_LOOKED_AT,
    )
