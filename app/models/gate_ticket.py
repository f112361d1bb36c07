"""Tickets: how somebody who is signed in here gets into an application on another host."""

from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, delete, func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Moment, bound
from app.models.guarded_site import GuardedSite
from app.models.pruning import Stale
from app.models.session import LoginSession

VALID = timedelta(seconds=60)


class GateTicket(Base):
    """Good once, at one site, in the browser that keeps the ``nonce``, while the session lives.

    ``path`` is where they go on.
    """

    __tablename__ = "gate_tickets"
    __table_args__ = (
        CheckConstraint("length(digest) = 32", name="digest_length"),
        CheckConstraint("length(nonce) = 32", name="nonce_length"),
    )

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    site_id: Mapped[UUID] = mapped_column(
        ForeignKey(GuardedSite.id, ondelete="CASCADE"), index=True
    )
    session_id: Mapped[UUID] = mapped_column(
        ForeignKey(LoginSession.id, ondelete="CASCADE"), index=True
    )
    nonce: Mapped[bytes]
    path: Mapped[str]
    expires_at: Mapped[Moment] = mapped_column(index=True)


class TakenTicket(NamedTuple):
    """What a ticket was good for."""

    session_id: UUID
    path: str


async def add(
    db: AsyncSession, *, digest: bytes, site_id: UUID, session_id: UUID, nonce: bytes, path: str
) -> None:
    """Store a ticket."""
    await db.execute(
        insert(GateTicket).values(
            digest=digest,
            site_id=site_id,
            session_id=session_id,
            nonce=nonce,
            path=path,
            expires_at=func.now() + VALID,
        )
    )


async def take(
    db: AsyncSession, *, digest: bytes, site_id: UUID, nonce: bytes
) -> TakenTicket | None:
    """Use a ticket up; of any number at once exactly one gets it.

    None: it was used, is too old, of another site, or of another browser, which does not use it up.
    """
    statement = (
        delete(GateTicket)
        .where(
            GateTicket.digest == digest,
            GateTicket.site_id == site_id,
            GateTicket.nonce == nonce,
            GateTicket.expires_at > func.now(),
        )
        .returning(GateTicket.session_id, GateTicket.path)
    )
    row = (await db.execute(statement)).one_or_none()
    return None if row is None else bound(TakenTicket, row)


def expired() -> Stale:
    """Return the tickets that open nothing any more."""
    return Stale(GateTicket, GateTicket.expires_at <= func.now(), GateTicket.expires_at)
