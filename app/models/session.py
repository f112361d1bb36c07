"""Login sessions: one browser of a user. Named by the digest of a secret that only it has."""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    ForeignKey,
    Index,
    Interval,
    bindparam,
    case,
    delete,
    func,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import INET, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.db import run
from app.kit.client import Client
from app.models.base import Base, Moment, Now, RandomId, bound
from app.models.credentials import Credentials
from app.models.pruning import Stale
from app.models.user import User, may_sign_in

SESSIONS_PER_USER = 20
COUNTED_AT_MOST = 100_000
ESTIMATE = "SELECT reltuples::bigint FROM pg_class WHERE oid ="
EVERYBODY = 0x56455345  # "VESE": the number of the advisory lock
TOUCH_AT_MOST_EVERY = timedelta(hours=1)


class LoginSession(Base):
    """A login. It ends at ``expires_at``, and when idle unless it is ``remembered``.

    ``reauthenticated_at`` is when the user last showed in it that they know their password,
    ``factor_at`` when they last showed a second factor.
    """

    __tablename__ = "login_sessions"
    __table_args__ = (
        CheckConstraint("length(digest) = 32", name="digest_length"),
        Index("ix_login_sessions_user_id_created_at", "user_id", "created_at"),
        Index("ix_login_sessions_idle", "seen_at", postgresql_where=text("NOT remembered")),
    )

    id: Mapped[RandomId]
    digest: Mapped[bytes] = mapped_column(unique=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    credential_version: Mapped[int]
    remembered: Mapped[bool]
    created_at: Mapped[Now]
    reauthenticated_at: Mapped[Moment | None]
    factor_at: Mapped[Moment | None]
    seen_at: Mapped[Now]
    expires_at: Mapped[Moment] = mapped_column(index=True)
    ip: Mapped[str] = mapped_column(INET)
    user_agent: Mapped[str]


class Open(NamedTuple):
    """A live session, as its owner and administrators see it."""

    id: UUID
    ip: str
    user_agent: str
    remembered: bool
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


_START = insert(LoginSession).values(
    digest=bindparam("digest"),
    user_id=bindparam("user_id"),
    credential_version=bindparam("credential_version"),
    remembered=bindparam("remembered"),
    reauthenticated_at=func.now(),
    factor_at=case((bindparam("shows_factor", type_=Boolean), func.now())),
    expires_at=func.now() + bindparam("lasts", type_=Interval),
    ip=bindparam("ip"),
    user_agent=bindparam("user_agent"),
)
_END_SURPLUS = delete(LoginSession).where(
    LoginSession.id.in_(
        select(LoginSession.id)
        .where(LoginSession.user_id == bindparam("user_id"))
        .order_by(LoginSession.created_at.desc())
        .offset(SESSIONS_PER_USER)
    )
)


async def start(
    db: AsyncSession,
    user: Credentials,
    *,
    digest: bytes,
    lasts: timedelta,
    remembered: bool,
    client: Client,
    shows_factor: bool = False,
) -> None:
    """Start a session; past ``SESSIONS_PER_USER`` the oldest go (SE-11).

    For ``steps/session_start.py`` alone: that asks for a second factor.
    """
    await run(
        db,
        _START,
        digest=digest,
        user_id=user.id,
        credential_version=user.credential_version,
        remembered=remembered,
        shows_factor=shows_factor,
        lasts=lasts,
        ip=client.ip,
        user_agent=client.user_agent,
    )
    await run(db, _END_SURPLUS, user_id=user.id)


async def share_turn(db: AsyncSession) -> None:
    """Let nobody end the sessions of everybody until the transaction ends: deeds run side by side.

    Else who ends some sessions and who ends all of them would wait for each other.
    """
    await db.execute(select(func.pg_advisory_xact_lock_shared(EVERYBODY)))


async def is_live(db: AsyncSession, user_id: UUID, session_id: UUID, *, holding: bool) -> bool:
    """Whether a user's session lives; ``holding``: it does until the transaction ends.

    Held is the row as it is named, so that "last seen" is still noted meanwhile. How long ago it
    was used is not asked: it is in use.
    """
    statement = (
        select(LoginSession.id)
        .join(User, User.id == LoginSession.user_id)
        .where(
            LoginSession.id == session_id,
            User.id == user_id,
            LoginSession.expires_at > func.now(),
            LoginSession.credential_version == User.credential_version,
            may_sign_in(),
        )
    )
    if holding:
        statement = statement.with_for_update(read=True, key_share=True, of=LoginSession)
    return await db.scalar(statement) is not None


async def end(db: AsyncSession, digest: bytes) -> UUID | None:
    """End a session; return whose it was."""
    statement = delete(LoginSession).where(LoginSession.digest == digest)
    return await db.scalar(statement.returning(LoginSession.user_id))


async def renew(
    db: AsyncSession,
    user_id: UUID,
    digest: bytes,
    *,
    new_digest: bytes,
    version: int | None,
    is_fresh: bool,
    shows_factor: bool = False,
) -> bool | None:
    """Give a user's session a new secret.

    ``version`` is that of their credentials, if they have just changed; ``is_fresh``: they have
    shown their password just now, ``shows_factor``: a second factor. Return whether the session is
    remembered, None if it is not theirs or has ended.
    """
    version_now = LoginSession.credential_version if version is None else version
    statement = (
        update(LoginSession)
        .where(
            LoginSession.user_id == user_id,
            LoginSession.digest == digest,
            LoginSession.expires_at > func.now(),
        )
        .values(
            digest=new_digest,
            reauthenticated_at=func.now() if is_fresh else LoginSession.reauthenticated_at,
            factor_at=func.now() if shows_factor else LoginSession.factor_at,
            credential_version=version_now,
        )
        .returning(LoginSession.remembered)
    )
    return await db.scalar(statement)


async def end_others(db: AsyncSession, user_id: UUID, *, digest: bytes) -> int:
    """End all sessions of a user but this one; return how many."""
    statement = delete(LoginSession).where(
        LoginSession.user_id == user_id, LoginSession.digest != digest
    )
    return len((await db.scalars(statement.returning(LoginSession.id))).all())


async def end_all(db: AsyncSession, user_id: UUID) -> int:
    """End all sessions of a user; return how many there were."""
    statement = delete(LoginSession).where(LoginSession.user_id == user_id)
    return len((await db.scalars(statement.returning(LoginSession.id))).all())


async def end_one(db: AsyncSession, user_id: UUID, session_id: UUID) -> bool:
    """End one session of a user; False if it is not theirs, or has ended."""
    statement = delete(LoginSession).where(
        LoginSession.user_id == user_id, LoginSession.id == session_id
    )
    return await db.scalar(statement.returning(LoginSession.id)) is not None


async def end_slice(db: AsyncSession, *, number: int, of: int) -> int:
    """End one slice of all sessions, whosever they are; return how many there were in it.

    Ids are random, so slices by id are alike.
    """
    await db.execute(select(func.pg_advisory_xact_lock(EVERYBODY)))
    width = 2**128 // of
    conditions = [LoginSession.id >= UUID(int=number * width)]
    if number + 1 < of:
        conditions.append(LoginSession.id < UUID(int=(number + 1) * width))
    ended = delete(LoginSession).where(*conditions).returning(LoginSession.id).cte()
    return await db.scalar(select(func.count()).select_from(ended)) or 0


async def live_of(db: AsyncSession, user_id: UUID, *, idle: timedelta) -> list[Open]:
    """Return the live sessions of a user, the last used first."""
    statement = (
        select(
            LoginSession.id,
            func.host(LoginSession.ip).label("ip"),
            LoginSession.user_agent,
            LoginSession.remembered,
            LoginSession.created_at,
            LoginSession.seen_at,
            LoginSession.expires_at,
        )
        .join(User, User.id == LoginSession.user_id)
        .where(
            LoginSession.user_id == user_id,
            LoginSession.expires_at > func.now(),
            LoginSession.remembered | (LoginSession.seen_at > func.now() - idle),
            LoginSession.credential_version == User.credential_version,
        )
        .order_by(LoginSession.seen_at.desc(), LoginSession.id)
    )
    return [bound(Open, row) for row in await db.execute(statement)]


def expired() -> Stale:
    """Return the sessions that have come to their end."""
    return Stale(LoginSession, LoginSession.expires_at <= func.now(), LoginSession.expires_at)


def idle(idle: timedelta) -> Stale:
    """Return the sessions that nobody used for so long, and that are not remembered."""
    left = ~LoginSession.remembered & (LoginSession.seen_at <= func.now() - idle)
    return Stale(LoginSession, left, LoginSession.seen_at)


async def count_live(db: AsyncSession) -> int:
    """Return how many sessions have not come to their end; of very many, about how many."""
    last_first = LoginSession.expires_at.desc()  # an order, so that the index is used
    live = select(literal(1)).where(LoginSession.expires_at > func.now()).order_by(last_first)
    some = live.limit(COUNTED_AT_MOST).subquery()
    counted = await db.scalar(select(func.count()).select_from(some)) or 0
    if counted < COUNTED_AT_MOST:
        return counted
    about = await db.scalar(text(f"{ESTIMATE} '{LoginSession.__tablename__}'::regclass"))
    return max(counted, about or 0)
