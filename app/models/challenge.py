"""Challenges that passkeys sign: used up before an answer is checked, whatever the result (PK-01).

Who is signed in has one for each purpose, as a row. A stranger's is sealed in a cookie, and written
down only when it is used: visits of the sign-in page leave no rows.
"""

from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, delete, func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Moment
from app.models.pruning import Stale
from app.models.session import LoginSession

VALID = timedelta(minutes=5)
SPENT_KEPT = timedelta(minutes=15)  # longer than a sealed one is good for, clocks included


class Use(StrEnum):
    """What a challenge is for."""

    ADD = "add-passkey"
    REAUTHENTICATE = "reauthenticate"


class Challenge(Base):
    """The challenge of somebody who is signed in, asked for last."""

    __tablename__ = "challenges"
    __table_args__ = (
        CheckConstraint("purpose IN ('add-passkey', 'reauthenticate')", name="purpose"),
        CheckConstraint("length(challenge) = 32", name="challenge_length"),
    )

    session_id: Mapped[UUID] = mapped_column(
        ForeignKey(LoginSession.id, ondelete="CASCADE"), primary_key=True
    )
    purpose: Mapped[str] = mapped_column(primary_key=True)
    challenge: Mapped[bytes]
    expires_at: Mapped[Moment] = mapped_column(index=True)


class SpentChallenge(Base):
    """A stranger's challenge that was used."""

    __tablename__ = "spent_challenges"
    __table_args__ = (CheckConstraint("length(digest) = 32", name="digest_length"),)

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    expires_at: Mapped[Moment] = mapped_column(index=True)


async def put(db: AsyncSession, session_id: UUID, use: Use, challenge: bytes) -> None:
    """Note what a passkey is asked to sign; an older challenge is dead."""
    values = {"challenge": challenge, "expires_at": func.now() + VALID}
    statement = insert(Challenge).values(session_id=session_id, purpose=use, **values)
    await db.execute(
        statement.on_conflict_do_update(
            index_elements=[Challenge.session_id, Challenge.purpose], set_=values
        )
    )


async def take(db: AsyncSession, session_id: UUID, use: Use) -> bytes | None:
    """Use up the challenge of a session; of any number at once exactly one gets it."""
    statement = delete(Challenge).where(
        Challenge.session_id == session_id, Challenge.purpose == use
    )
    row = (
        await db.execute(
            statement.returning(Challenge.challenge, Challenge.expires_at > func.now())
        )
    ).one_or_none()
    return row[0] if row is not None and row[1] else None


async def spend(db: AsyncSession, digest: bytes) -> bool:
    """Use up a stranger's challenge; False if it was used before."""
    statement = (
        insert(SpentChallenge)
        .values(digest=digest, expires_at=func.now() + SPENT_KEPT)
        .on_conflict_do_nothing()
        .returning(SpentChallenge.digest)
    )
    return await db.scalar(statement) is not None


def expired() -> Stale:
    """Return the challenges that nobody answered."""
    return Stale(Challenge, Challenge.expires_at <= func.now(), Challenge.expires_at)


def forgotten() -> Stale:
    """Return the used challenges that could not be used again anyway."""
    past = SpentChallenge.expires_at <= func.now()
    return Stale(SpentChallenge, past, SpentChallenge.expires_at)
