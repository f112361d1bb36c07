"""Audit events: who did what to whom, from where. Rows are only ever added, until their term."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Identity,
    Index,
    Select,
    Uuid,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    tuple_,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import INET, JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, aliased, mapped_column

from app.kit.client import Client
from app.models.base import Base, Now, bound
from app.models.pruning import Stale
from app.models.user import User

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
IDS_LOOKED_AT = 10_000
LONGEST_WAIT = timedelta(days=30)  # of a registration for its confirmation, by far


class Event(StrEnum):
    """Everything that is worth a line in the book."""

    REGISTERED = "account.registered"
    EMAIL_WITHHELD = "email.withheld"
    EMAIL_REFUSED = "email.refused"
    EMAIL_GAVE_UP = "email.gave_up"
    CONFIRMATION_SENT = "account.confirmation_sent"
    CONFIRMED = "account.confirmed"
    CREATED = "account.created"
    IMPORTED = "account.imported"
    PASSWORD_SET = "account.password_set"  # noqa: S105 - the name of an event
    PASSWORD_CHANGED = "account.password_changed"  # noqa: S105 - likewise
    PASSWORD_DISABLED = "account.password_disabled"  # noqa: S105 - likewise
    RESET_ASKED = "account.reset_asked"
    RESET_SENT = "account.reset_sent"
    PASSWORD_RESET = "account.password_reset"  # noqa: S105 - likewise
    EMAIL_CHANGE_ASKED = "account.email_change_asked"
    EMAIL_CHANGE_CANCELLED = "account.email_change_cancelled"
    EMAIL_CHANGED = "account.email_changed"
    EMAIL_RESTORED = "account.email_restored"
    USERNAME_CHANGED = "account.username_changed"
    TAKEN_BACK = "account.taken_back"
    DELETION_ASKED = "account.deletion_asked"
    DELETION_CANCELLED = "account.deletion_cancelled"
    DATA_DOWNLOADED = "account.data_downloaded"
    BLOCKED = "account.blocked"
    UNBLOCKED = "account.unblocked"
    ROLE_SET = "account.role_set"
    SESSION_ENDED = "account.session_ended"
    SESSIONS_ENDED = "account.sessions_ended"
    INVITED = "account.invited"
    DELETED = "account.deleted"
    SIGNED_IN = "login.succeeded"
    SIGN_IN_FAILED = "login.failed"
    SIGN_IN_SLOWED = "login.slowed"
    SIGN_IN_UNCONFIRMED = "login.unconfirmed"
    SIGN_IN_BLOCKED = "login.blocked"
    SIGN_IN_DELETION_PENDING = "login.deletion_pending"
    SIGNED_OUT = "login.ended"
    REAUTHENTICATED = "login.reauthenticated"
    REAUTHENTICATION_FAILED = "login.reauthentication_failed"
    NEW_BROWSER = "login.new_browser"
    FACTOR_ASKED = "login.factor_asked"
    FACTOR_FAILED = "login.factor_failed"
    APP_DISABLED = "login.app_disabled"
    PASSKEY_COPIED = "login.passkey_copied"
    RECOVERY_CODE_USED = "login.recovery_code_used"
    BROWSER_TRUSTED = "login.browser_trusted"
    APP_ADDED = "factor.app_added"
    APP_REMOVED = "factor.app_removed"
    PASSKEY_ADDED = "factor.passkey_added"
    PASSKEY_RENAMED = "factor.passkey_renamed"
    PASSKEY_REMOVED = "factor.passkey_removed"
    RECOVERY_CODES_MADE = "factor.recovery_codes_made"
    BROWSERS_DISTRUSTED = "factor.browsers_distrusted"
    FACTORS_RESET = "factor.reset"
    FACTOR_RESET_ASKED = "factor.reset_asked"
    FACTOR_RESET_BEGUN = "factor.reset_begun"
    FACTOR_RESET_STOPPED = "factor.reset_stopped"
    FACTORS_RESTORED = "factor.restored"
    FACTOR_REQUIRED = "role.factor_required"
    FACTOR_OPTIONAL = "role.factor_optional"
    EVERYBODY_SIGNED_OUT = "login.everybody_ended"
    ROLE_CREATED = "role.created"
    ROLE_CHANGED = "role.changed"
    ROLE_DEFAULT = "role.default"
    ROLE_DELETED = "role.deleted"
    EMAIL_RETRIED = "email.retried"
    AUDIT_LOG_EXPORTED = "audit_log.exported"


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


NO_ADDRESS = "0.0.0.0"  # noqa: S104 - nothing listens here


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


class Place(NamedTuple):
    """Where in the book a line stands."""

    at: datetime
    id: int

    @property
    def mark(self) -> str:
        """The place as text, fit for an address."""
        return f"{(self.at - EPOCH) // timedelta(microseconds=1)}-{self.id}"

    @classmethod
    def read(cls, mark: str) -> "Place | None":
        """Return the place that a mark stands for, None if it is garbled."""
        microseconds, _, line_id = mark.partition("-")
        try:
            place = cls(EPOCH + timedelta(microseconds=int(microseconds)), int(line_id))
        except (ValueError, OverflowError):
            return None
        return place if 0 <= place.id < 2**63 else None


class Written(NamedTuple):
    """A line as it is read. ``actor`` and ``subject`` are usernames, None for who is gone."""

    id: int
    at: datetime
    event: str
    actor_id: UUID | None
    actor: str | None
    subject_id: UUID | None
    subject: str | None
    ip: str
    user_agent: str
    request_id: str
    detail: dict[str, Any]

    @property
    def place(self) -> Place:
        """Where it stands."""
        return Place(self.at, self.id)


class EventFilter(NamedTuple):
    """Which lines. ``user`` acted or was acted upon; ``until`` itself is left out."""

    event: str | None = None
    user: UUID | None = None
    network: IPv4Network | IPv6Network | None = None
    since: datetime | None = None
    until: datetime | None = None


_PLACE = (AuditEvent.at, AuditEvent.id)
_NEWEST_FIRST = (AuditEvent.at.desc(), AuditEvent.id.desc())


async def page(
    db: AsyncSession, wanted: EventFilter, *, before: Place | None, size: int
) -> list[Written]:
    """Return the newest lines, of those that stand before a place."""
    actor, subject = aliased(User), aliased(User)
    statement = (
        select(
            AuditEvent.id,
            AuditEvent.at,
            AuditEvent.event,
            AuditEvent.actor_id,
            actor.username.label("actor"),
            AuditEvent.subject_id,
            subject.username.label("subject"),
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
    if wanted.user is None:
        return select(lines.subquery().c.id)
    own = (AuditEvent.subject_id == wanted.user, AuditEvent.actor_id == wanted.user)
    both = union_all(*(select(lines.where(role).subquery().c.id) for role in own))
    return select(both.subquery().c.id)


def _conditions(wanted: EventFilter, before: Place | None) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if before is not None:
        conditions.append(tuple_(*_PLACE) < tuple_(before.at, before.id))
    if wanted.event is not None:
        conditions.append(AuditEvent.event == wanted.event)
    if wanted.network is not None:
        first, last = wanted.network[0], wanted.network[-1]
        conditions.append(AuditEvent.ip.between(cast(str(first), INET), cast(str(last), INET)))
    if wanted.since is not None:
        conditions.append(AuditEvent.at >= wanted.since)
    if wanted.until is not None:
        conditions.append(AuditEvent.at < wanted.until)
    return conditions


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
