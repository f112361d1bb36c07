"""Tokens for scripts: they open sites and tell who one is, and change nothing."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Uuid, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Moment, Now, RandomId, bound
from app.models.pruning import Stale
from app.models.user import User

TOKENS_PER_USER = 50
USED_AT_MOST_EVERY = timedelta(hours=1)


class ApiToken(Base):
    """A user's token. ``site_ids``: which sites it opens; ``reads_account``: who they are.

    It ends with what it was made by: a new password, another address, an account taken back.
    """

    __tablename__ = "api_tokens"
    __table_args__ = (
        CheckConstraint("length(digest) = 32", name="digest_length"),
        CheckConstraint("length(name) between 1 and 60", name="name_length"),
    )

    id: Mapped[RandomId]
    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), index=True)
    digest: Mapped[bytes] = mapped_column(unique=True)
    name: Mapped[str]
    site_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    reads_account: Mapped[bool]
    credential_version: Mapped[int]
    created_at: Mapped[Now]
    used_at: Mapped[Moment | None]
    expires_at: Mapped[Moment] = mapped_column(index=True)


class KnownToken(NamedTuple):
    """A token, as its owner sees it. ``is_live``: it still opens something."""

    id: UUID
    name: str
    site_ids: list[UUID]
    reads_account: bool
    created_at: datetime
    used_at: datetime | None
    expires_at: datetime
    is_live: bool


async def add(
    db: AsyncSession,
    user_id: UUID,
    *,
    digest: bytes,
    name: str,
    site_ids: Sequence[UUID],
    reads_account: bool,
    lasts: timedelta,
) -> bool:
    """Store a token of a user; False if they have too many. The user is held by the caller."""
    has = await db.scalar(select(func.count()).where(ApiToken.user_id == user_id)) or 0
    if has >= TOKENS_PER_USER:
        return False
    version = select(User.credential_version).where(User.id == user_id).scalar_subquery()
    await db.execute(
        insert(ApiToken).values(
            user_id=user_id,
            digest=digest,
            name=name,
            site_ids=list(site_ids),
            reads_account=reads_account,
            credential_version=version,
            expires_at=func.now() + lasts,
        )
    )
    return True


async def of_user(db: AsyncSession, user_id: UUID) -> list[KnownToken]:
    """Return the tokens of a user, the newest first."""
    statement = (
        select(
            ApiToken.id,
            ApiToken.name,
            ApiToken.site_ids,
            ApiToken.reads_account,
            ApiToken.created_at,
            ApiToken.used_at,
            ApiToken.expires_at,
            (
                (ApiToken.expires_at > func.now())
                & (ApiToken.credential_version == User.credential_version)
            ).label("is_live"),
        )
        .join(User, User.id == ApiToken.user_id)
        .where(ApiToken.user_id == user_id)
        .order_by(ApiToken.created_at.desc())
    )
    return [bound(KnownToken, row) for row in await db.execute(statement)]


async def remove(db: AsyncSession, user_id: UUID, token_id: UUID) -> str | None:
    """Delete a token of a user; return its name, None if it is not theirs."""
    statement = delete(ApiToken).where(ApiToken.user_id == user_id, ApiToken.id == token_id)
    return await db.scalar(statement.returning(ApiToken.name))


async def remove_all(db: AsyncSession, user_id: UUID) -> int:
    """Delete all tokens of a user; return how many there were."""
    statement = delete(ApiToken).where(ApiToken.user_id == user_id)
    return len((await db.scalars(statement.returning(ApiToken.id))).all())


def expired() -> Stale:
    """Return the tokens that open nothing any more."""
    return Stale(ApiToken, ApiToken.expires_at <= func.now(), ApiToken.expires_at)
