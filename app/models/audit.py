"""Audit events: who did what to whom, from where. Rows are only ever added."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Identity,
    Index,
    Uuid,
    bindparam,
    func,
    literal,
    or_,
    select,
    update,
)
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
    IMPORTED = "account.imported"
    PASSWORD_SET = "account.password_set"  # noqa: S105 - the name of an event
    BLOCKED = "account.blocked"
    UNBLOCKED = "account.unblocked"
    ROLE_SET = "account.role_set"
    ERASED = "account.erased"
    SIGNED_IN = "login.succeeded"
    SIGN_IN_FAILED = "login.failed"
    SIGN_IN_SLOWED = "login.slowed"
    SIGN_IN_UNCONFIRMED = "login.unconfirmed"
    SIGNED_OUT = "login.ended"


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


async def write_for_all(
    session: AsyncSession, event: Event, *, client: Client, subject_ids: Sequence[UUID]
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
    await session.execute(
        insert(AuditEvent).from_select(
            ["event", "subject_id", "ip", "user_agent", "request_id"], source
        )
    )


NO_ADDRESS = "0.0.0.0"  # noqa: S104 - nothing listens here


async def forget(session: AsyncSession, user_id: UUID) -> None:
    """Take a person's addresses and browsers out of the lines about him."""
    his = or_(AuditEvent.subject_id == user_id, AuditEvent.actor_id == user_id)
    await session.execute(update(AuditEvent).where(his).values(ip=NO_ADDRESS, user_agent=""))
