"""Names that somebody gave up: nobody else gets them, for an application might know them by these.

A trigger on users writes them (migration 0012), from the moment a site is there.
"""

from uuid import UUID

from sqlalchemy import CheckConstraint, delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Now


class ReservedName(Base):
    """A freed username or address, as the digest of its canonical form, and whose it was."""

    __tablename__ = "reserved_names"
    __table_args__ = (CheckConstraint("length(digest) = 32", name="digest_length"),)

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    user_id: Mapped[UUID]
    freed_at: Mapped[Now]


async def is_reserved(db: AsyncSession, digest: bytes) -> bool:
    """Whether a name, by the digest of its canonical form, is kept for who gave it up."""
    found = select(ReservedName.user_id).where(ReservedName.digest == digest)
    return await db.scalar(found) is not None


async def release(db: AsyncSession, digest: bytes) -> bool:
    """Let anybody have a name again; False if it was not reserved."""
    statement = delete(ReservedName).where(ReservedName.digest == digest)
    return await db.scalar(statement.returning(ReservedName.digest)) is not None
