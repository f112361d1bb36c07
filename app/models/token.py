"""One-time tokens: the rows behind the links in letters. Taking one deletes it."""

from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.sealing import Purpose
from app.models.base import Base, Moment, Now
from app.models.user import User


class OneTimeToken(Base):
    """A link that works once, for one purpose, one person and one address.

    ``username`` and ``password_hash`` are set when an unconfirmed address is registered again:
    whoever follows *this* link gets *these* credentials, not those of a stranger who was first.
    """

    __tablename__ = "one_time_tokens"
    __table_args__ = (CheckConstraint("length(digest) = 32", name="digest_length"),)

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    purpose: Mapped[str]
    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), index=True)
    email_key: Mapped[str]
    username: Mapped[str | None]
    password_hash: Mapped[str | None]
    created_at: Mapped[Now]
    expires_at: Mapped[Moment]


class Taken(NamedTuple):
    """What a token was bound to."""

    user_id: UUID
    email_key: str
    username: str | None
    password_hash: str | None


async def add(
    session: AsyncSession,
    *,
    digest: bytes,
    purpose: Purpose,
    valid: timedelta,
    user_id: UUID,
    email_key: str,
    username: str | None = None,
    password_hash: str | None = None,
) -> None:
    """Store a token; it lives ``valid`` long by the database's clock."""
    await session.execute(
        insert(OneTimeToken).values(
            digest=digest,
            purpose=purpose,
            user_id=user_id,
            email_key=email_key,
            username=username,
            password_hash=password_hash,
            expires_at=func.now() + valid,
        )
    )


async def username_of(session: AsyncSession, digest: bytes, *, purpose: Purpose) -> str | None:
    """Return the user name that a token would give its person now. Only ``take`` decides."""
    statement = (
        select(func.coalesce(OneTimeToken.username, User.username))
        .join(User, User.id == OneTimeToken.user_id)
        .where(*_live(digest, purpose))
    )
    return await session.scalar(statement)


async def take(session: AsyncSession, digest: bytes, *, purpose: Purpose) -> Taken | None:
    """Use up a token; of any number at once exactly one gets it (SECURITY.md TK-02).

    Its person is locked first: two links of one person, each voiding the other, must take turns.
    """
    owner = select(OneTimeToken.user_id).where(*_live(digest, purpose)).scalar_subquery()
    await session.execute(select(User.id).where(User.id == owner).with_for_update())
    statement = (
        delete(OneTimeToken)
        .where(*_live(digest, purpose))
        .returning(
            OneTimeToken.user_id,
            OneTimeToken.email_key,
            OneTimeToken.username,
            OneTimeToken.password_hash,
        )
    )
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else Taken(*row)


async def void(session: AsyncSession, user_id: UUID, *, purpose: Purpose) -> None:
    """Take back all tokens of a person for one purpose."""
    await session.execute(
        delete(OneTimeToken).where(OneTimeToken.user_id == user_id, OneTimeToken.purpose == purpose)
    )


def _live(digest: bytes, purpose: Purpose) -> tuple[ColumnElement[bool], ...]:
    return (
        OneTimeToken.digest == digest,
        OneTimeToken.purpose == purpose,
        OneTimeToken.expires_at > func.now(),
    )
