"""Who is in which application: a browser's session there hangs on its login session here.

The row goes with the login session, by whatever that ends, and every check joins its conditions
(``gate_lookup``): so a logout here acts on the application's next request.
"""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Now, RandomId, bound
from app.models.guarded_site import GuardedSite
from app.models.session import LoginSession
from app.models.user import User, may_sign_in

KEPT = 4  # of one browser at one site: two tabs may come at once


class GateSession(Base):
    """A browser that is in an application. ``digest`` is that of the cookie's secret there."""

    __tablename__ = "gate_sessions"
    __table_args__ = (
        CheckConstraint("length(digest) = 32", name="digest_length"),
        Index("ix_gate_sessions_session_id_site_id", "session_id", "site_id"),
    )

    id: Mapped[RandomId]
    digest: Mapped[bytes] = mapped_column(unique=True)
    site_id: Mapped[UUID] = mapped_column(
        ForeignKey(GuardedSite.id, ondelete="CASCADE"), index=True
    )
    session_id: Mapped[UUID] = mapped_column(ForeignKey(LoginSession.id, ondelete="CASCADE"))
    created_at: Mapped[Now]


class Inside(NamedTuple):
    """An application that a user is in. ``session_id``: from which of their browsers."""

    site_id: UUID
    name: str
    origin: str
    session_id: UUID
    user_agent: str
    ip: str
    created_at: datetime


class Owner(NamedTuple):
    """Whose session it is, and how long it lasts."""

    user_id: UUID
    remembered: bool
    expires_at: datetime
    shows_factor: bool


async def hold_owner(db: AsyncSession, session_id: UUID) -> Owner | None:
    """Return whose session it is, and hold it until the transaction ends; None if it has ended."""
    statement = (
        select(
            LoginSession.user_id,
            LoginSession.remembered,
            LoginSession.expires_at,
            LoginSession.factor_at.is_not(None).label("shows_factor"),
        )
        .join(User, User.id == LoginSession.user_id)
        .where(
            LoginSession.id == session_id,
            LoginSession.expires_at > func.now(),
            LoginSession.credential_version == User.credential_version,
            may_sign_in(),
        )
        .with_for_update(read=True, key_share=True, of=LoginSession)
    )
    row = (await db.execute(statement)).one_or_none()
    return None if row is None else bound(Owner, row)


async def start(db: AsyncSession, *, digest: bytes, site_id: UUID, session_id: UUID) -> None:
    """Let a browser in; of its sessions there only the newest stay."""
    await db.execute(
        insert(GateSession).values(digest=digest, site_id=site_id, session_id=session_id)
    )
    surplus = (
        select(GateSession.id)
        .where(GateSession.session_id == session_id, GateSession.site_id == site_id)
        .order_by(GateSession.created_at.desc())
        .offset(KEPT)
    )
    await db.execute(delete(GateSession).where(GateSession.id.in_(surplus)))


async def end(db: AsyncSession, user_id: UUID, *, site_id: UUID, session_id: UUID) -> bool:
    """End a user's session at a site, in one of their browsers; False if there is none."""
    own = select(LoginSession.id).where(
        LoginSession.id == session_id, LoginSession.user_id == user_id
    )
    statement = delete(GateSession).where(
        GateSession.session_id == own.scalar_subquery(), GateSession.site_id == site_id
    )
    return bool((await db.scalars(statement.returning(GateSession.id))).all())


async def of_user(db: AsyncSession, user_id: UUID) -> list[Inside]:
    """Return the applications that a user is in, a line for each browser."""
    first = func.min(GateSession.created_at)
    statement = (
        select(
            GuardedSite.id.label("site_id"),
            GuardedSite.name,
            GuardedSite.origin,
            GateSession.session_id,
            LoginSession.user_agent,
            func.host(LoginSession.ip).label("ip"),
            first.label("created_at"),
        )
        .join(GuardedSite, GuardedSite.id == GateSession.site_id)
        .join(LoginSession, LoginSession.id == GateSession.session_id)
        .join(User, User.id == LoginSession.user_id)
        .where(
            User.id == user_id,
            LoginSession.expires_at > func.now(),
            LoginSession.credential_version == User.credential_version,
        )
        .group_by(GuardedSite.id, GateSession.session_id, LoginSession.user_agent, LoginSession.ip)
        .order_by(GuardedSite.name, first)
    )
    return [bound(Inside, row) for row in await db.execute(statement)]


async def count_of(db: AsyncSession, site_id: UUID) -> int:
    """Return how many browsers are in an application."""
    counted = select(func.count(GateSession.session_id.distinct()))
    return await db.scalar(counted.where(GateSession.site_id == site_id)) or 0
