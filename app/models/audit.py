"""Audit events: who did what to whom, from where. Rows are only ever added."""

from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, Row, func, or_, select, update
from sqlalchemy.dialects.postgresql import INET, JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.client import Client
from app.models.base import Base, Now


class Event(StrEnum):
    """Everything that is worth a line in the book."""

    REGISTERED = "account.registered"
    LETTER_WITHHELD = "letter.withheld"
    LETTER_REFUSED = "letter.refused"
    LETTER_GAVE_UP = "letter.gave_up"
    CONFIRMED = "account.confirmed"
    CREATED = "account.created"
    PASSWORD_SET = "account.password_set"  # noqa: S105 - the name of an event
    PASSWORD_CHANGED = "account.password_changed"  # noqa: S105 - likewise
    PASSWORD_DISABLED = "account.password_disabled"  # noqa: S105 - likewise
    RESET_ASKED = "account.reset_asked"
    PASSWORD_RESET = "account.password_reset"  # noqa: S105 - likewise
    EMAIL_ASKED = "account.email_asked"
    EMAIL_CHANGED = "account.email_changed"
    EMAIL_RESTORED = "account.email_restored"
    USERNAME_CHANGED = "account.username_changed"
    DISOWNED = "account.disowned"
    LEAVING = "account.leaving"
    STAYED = "account.stayed"
    DATA_TAKEN = "account.data_taken"
    BLOCKED = "account.blocked"
    UNBLOCKED = "account.unblocked"
    ROLE_SET = "account.role_set"
    ERASED = "account.erased"
    SIGNED_IN = "login.succeeded"
    SIGN_IN_FAILED = "login.failed"
    SIGN_IN_SLOWED = "login.slowed"
    SIGN_IN_UNCONFIRMED = "login.unconfirmed"
    SIGN_IN_LEAVING = "login.leaving"
    SIGNED_OUT = "login.ended"
    SESSION_ENDED = "session.ended"
    SESSIONS_ENDED = "session.all_ended"
    PROVEN = "login.proven"
    PROOF_FAILED = "login.proof_failed"
    NEW_BROWSER = "login.new_browser"


class AuditEvent(Base):
    """One line. No foreign keys: the book outlives the people in it."""

    __tablename__ = "audit_events"
    __table_args__ = (Index("ix_audit_events_subject_id_at", "subject_id", "at"),)

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
    session: AsyncSession,
    event: Event,
    *,
    client: Client,
    subject_id: UUID | None = None,
    actor_id: UUID | None = None,
    **detail: str | int,
) -> None:
    """Add a line, in the transaction of what it tells of."""
    await session.execute(
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


class Line(NamedTuple):
    """A line as it is read."""

    id: int
    at: datetime
    event: Event
    actor_id: UUID | None
    subject_id: UUID | None
    ip: str
    user_agent: str
    request_id: str
    detail: dict[str, Any]


_LINE = (
    AuditEvent.id,
    AuditEvent.at,
    AuditEvent.event,
    AuditEvent.actor_id,
    AuditEvent.subject_id,
    func.host(AuditEvent.ip),
    AuditEvent.user_agent,
    AuditEvent.request_id,
    AuditEvent.detail,
)


async def about(
    session: AsyncSession, user_id: UUID, *, before: int | None = None, limit: int | None = None
) -> list[Line]:
    """Return the lines about a person, the newest first; ``before``: of a lower id than this."""
    statement = select(*_LINE).where(AuditEvent.subject_id == user_id)
    if before is not None:
        statement = statement.where(AuditEvent.id < before)
    rows = await session.execute(statement.order_by(AuditEvent.id.desc()).limit(limit))
    return [_line(row) for row in rows]


def _line(row: Row[*tuple[Any, ...]]) -> Line:
    line = Line._make(row)
    return line._replace(event=Event(line.event))


NO_ADDRESS = "0.0.0.0"  # noqa: S104 - nothing listens here


async def forget(session: AsyncSession, user_id: UUID) -> None:
    """Take a person's addresses and browsers out of the lines about him."""
    his = or_(AuditEvent.subject_id == user_id, AuditEvent.actor_id == user_id)
    await session.execute(update(AuditEvent).where(his).values(ip=NO_ADDRESS, user_agent=""))
