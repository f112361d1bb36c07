"""Half-finished logins: the password was right, a second factor is due.

Named by the digest of a secret that only one browser has, in a cookie of its own. It opens no page
but the one that asks for the factor (MF-03).
"""

from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    SmallInteger,
    delete,
    func,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.factors import Factor
from app.limits import PENDING_LOGIN_MINUTES
from app.models.base import Base, Moment, Now, bound
from app.models.credentials import Credentials
from app.models.pruning import Stale
from app.models.user import User, may_sign_in

TRIES = 5
PER_USER = 20


class PendingLogin(Base):
    """A login that waits for a factor. ``challenge`` is that of the passkey asked for last."""

    __tablename__ = "pending_logins"
    __table_args__ = (
        CheckConstraint("length(digest) = 32", name="digest_length"),
        CheckConstraint("length(challenge) = 32", name="challenge_length"),
    )

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), index=True)
    credential_version: Mapped[int]
    remembered: Mapped[bool]
    challenge: Mapped[bytes | None]
    tries: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    created_at: Mapped[Now]
    expires_at: Mapped[Moment] = mapped_column(index=True)


class Waiting(NamedTuple):
    """Who waits for what. ``factors`` are bits of ``kit.factors.Factor``."""

    user_id: UUID
    username: str
    factors: int
    remembered: bool
    credential_version: int

    @property
    def has_app(self) -> bool:
        """Whether an app's code may be shown."""
        return Factor.APP in Factor(self.factors)

    @property
    def has_passkey(self) -> bool:
        """Whether a passkey may be shown."""
        return Factor.PASSKEY in Factor(self.factors)


async def start(db: AsyncSession, user: Credentials, *, digest: bytes, remembered: bool) -> bool:
    """Write a half-finished login down; False if the user may not sign in, or has changed."""
    expires_at = func.now() + timedelta(minutes=PENDING_LOGIN_MINUTES)
    source = select(
        literal(digest), User.id, User.credential_version, literal(remembered), expires_at
    ).where(User.id == user.id, User.credential_version == user.credential_version, may_sign_in())
    names = ["digest", "user_id", "credential_version", "remembered", "expires_at"]
    statement = insert(PendingLogin).from_select(names, source).returning(PendingLogin.digest)
    started = await db.scalar(statement) is not None
    mine = select(PendingLogin.digest).where(PendingLogin.user_id == user.id)
    surplus = mine.order_by(PendingLogin.created_at.desc()).offset(PER_USER)
    await db.execute(delete(PendingLogin).where(PendingLogin.digest.in_(surplus)))
    return started


async def find(db: AsyncSession, digest: bytes) -> Waiting | None:
    """Return who waits in a browser, None if it is too late or the credentials have changed."""
    statement = (
        select(
            PendingLogin.user_id,
            User.username,
            User.factors,
            PendingLogin.remembered,
            PendingLogin.credential_version,
        )
        .join(User, User.id == PendingLogin.user_id)
        .where(
            PendingLogin.digest == digest,
            PendingLogin.expires_at > func.now(),
            PendingLogin.tries < TRIES,
            PendingLogin.credential_version == User.credential_version,
            may_sign_in(),
        )
    )
    row = (await db.execute(statement)).one_or_none()
    return None if row is None else bound(Waiting, row)


async def count_try(db: AsyncSession, digest: bytes) -> bool:
    """Count a try, before it is checked; False if none is left (MF-02)."""
    statement = (
        update(PendingLogin)
        .where(PendingLogin.digest == digest, PendingLogin.tries < TRIES)
        .values(tries=PendingLogin.tries + 1)
        .returning(PendingLogin.digest)
    )
    return await db.scalar(statement) is not None


async def set_challenge(db: AsyncSession, digest: bytes, challenge: bytes) -> None:
    """Note what a passkey is asked to sign; an older challenge is dead."""
    statement = update(PendingLogin).where(PendingLogin.digest == digest)
    await db.execute(statement.values(challenge=challenge))


async def take_challenge(db: AsyncSession, digest: bytes, challenge: bytes) -> bool:
    """Use up a challenge; False if it is not the one that was asked for last (PK-01)."""
    statement = (
        update(PendingLogin)
        .where(PendingLogin.digest == digest, PendingLogin.challenge == challenge)
        .values(challenge=None)
        .returning(PendingLogin.digest)
    )
    return await db.scalar(statement) is not None


async def end(db: AsyncSession, digest: bytes) -> bool:
    """Use up a half-finished login; of any number at once exactly one does."""
    statement = delete(PendingLogin).where(PendingLogin.digest == digest)
    return await db.scalar(statement.returning(PendingLogin.digest)) is not None


async def end_all(db: AsyncSession, user_id: UUID) -> None:
    """End all half-finished logins of a user."""
    await db.execute(delete(PendingLogin).where(PendingLogin.user_id == user_id))


def expired() -> Stale:
    """Return the half-finished logins that nobody finished."""
    past = PendingLogin.expires_at <= func.now()
    return Stale(PendingLogin, past, PendingLogin.expires_at)
