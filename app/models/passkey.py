"""Passkeys, and every statement that touches them."""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    Text,
    and_,
    delete,
    func,
    literal,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.passkeys import Born
from app.models.base import Base, Moment, Now, RandomId, bound
from app.models.pruning import Stale
from app.models.user import User

PER_USER = 20
NAME_LONGEST = 60


class Passkey(Base):
    """A passkey or security key. ``is_first_factor``: it was born fit to sign in by itself."""

    __tablename__ = "passkeys"
    __table_args__ = (
        CheckConstraint("length(credential_id) BETWEEN 16 AND 1023", name="credential_id_length"),
        CheckConstraint("length(public_key) <= 2048", name="public_key_length"),
        CheckConstraint("length(name) BETWEEN 1 AND 60", name="name_length"),
        Index(
            "ix_passkeys_removed_at",
            "removed_at",
            postgresql_where=text("removed_at IS NOT NULL"),
        ),
    )

    id: Mapped[RandomId]
    user_id: Mapped[UUID] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"), index=True)
    credential_id: Mapped[bytes] = mapped_column(unique=True)
    public_key: Mapped[bytes]
    domain: Mapped[str]
    sign_count: Mapped[int] = mapped_column(BigInteger)
    is_first_factor: Mapped[bool]
    backup_eligible: Mapped[bool]
    backed_up: Mapped[bool]
    transports: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    aaguid: Mapped[UUID | None]
    name: Mapped[str]
    created_at: Mapped[Now]
    used_at: Mapped[Moment | None]
    removed_at: Mapped[Moment | None]

    @classmethod
    def is_live(cls, user_id: UUID) -> ColumnElement[bool]:
        """Whether a row is a passkey that a user signs in with."""
        return and_(cls.user_id == user_id, cls.removed_at.is_(None))


class KnownPasskey(NamedTuple):
    """A passkey, for checking an answer of it."""

    id: UUID
    user_id: UUID
    public_key: bytes
    is_first_factor: bool
    backup_eligible: bool
    name: str


class ListedPasskey(NamedTuple):
    """A passkey, as its owner sees it."""

    id: UUID
    name: str
    is_first_factor: bool
    backed_up: bool
    created_at: datetime
    used_at: datetime | None


_KNOWN = select(
    Passkey.id,
    Passkey.user_id,
    Passkey.public_key,
    Passkey.is_first_factor,
    Passkey.backup_eligible,
    Passkey.name,
)
_LISTED = select(
    Passkey.id,
    Passkey.name,
    Passkey.is_first_factor,
    Passkey.backed_up,
    Passkey.created_at,
    Passkey.used_at,
)


async def add(db: AsyncSession, user_id: UUID, born: Born, *, domain: str, name: str) -> bool:
    """Add a passkey; False if it is somebody's already (PK-04)."""
    statement = (
        insert(Passkey)
        .values(user_id=user_id, domain=domain, name=name, **born._asdict())
        .on_conflict_do_nothing()
        .returning(Passkey.id)
    )
    return await db.scalar(statement) is not None


async def find(db: AsyncSession, credential_id: bytes, *, domain: str) -> KnownPasskey | None:
    """Return a passkey of this domain, whosever it is."""
    statement = _KNOWN.where(
        Passkey.credential_id == credential_id,
        Passkey.domain == domain,
        Passkey.removed_at.is_(None),
    )
    row = (await db.execute(statement)).one_or_none()
    return None if row is None else bound(KnownPasskey, row)


async def of_user(db: AsyncSession, user_id: UUID) -> list[ListedPasskey]:
    """Return a user's passkeys, the oldest first."""
    statement = _LISTED.where(Passkey.is_live(user_id)).order_by(Passkey.created_at, Passkey.id)
    return [bound(ListedPasskey, row) for row in await db.execute(statement)]


async def credential_ids(db: AsyncSession, user_id: UUID, *, domain: str) -> list[bytes]:
    """Return by what an authenticator knows a user's passkeys."""
    statement = select(Passkey.credential_id).where(
        Passkey.is_live(user_id), Passkey.domain == domain
    )
    return list(await db.scalars(statement))


async def use(db: AsyncSession, passkey_id: UUID, *, sign_count: int, backed_up: bool) -> bool:
    """Note a use; False if the counter did not grow: then there are two of it (PK-05).

    The counter of those that are kept in a cloud is always 0.
    """
    both_zero = and_(Passkey.sign_count == 0, literal(sign_count) == 0)
    statement = (
        update(Passkey)
        .where(
            Passkey.id == passkey_id,
            Passkey.removed_at.is_(None),
            or_(Passkey.sign_count < sign_count, both_zero),
        )
        .values(sign_count=sign_count, backed_up=backed_up, used_at=func.now())
        .returning(Passkey.id)
    )
    return await db.scalar(statement) is not None


async def rename(db: AsyncSession, user_id: UUID, passkey_id: UUID, *, name: str) -> bool:
    """Name a passkey of a user; False if it is not theirs."""
    statement = update(Passkey).where(Passkey.is_live(user_id), Passkey.id == passkey_id)
    return await db.scalar(statement.values(name=name).returning(Passkey.id)) is not None


async def remove(db: AsyncSession, user_id: UUID, passkey_id: UUID | None = None) -> bool:
    """Take one passkey of a user out of use, or all; False if there was none."""
    statement = update(Passkey).where(Passkey.is_live(user_id))
    if passkey_id is not None:
        statement = statement.where(Passkey.id == passkey_id)
    removed = statement.values(removed_at=func.now()).returning(Passkey.id)
    return bool((await db.scalars(removed)).all())


async def restore(db: AsyncSession, user_id: UUID, *, since: datetime) -> None:
    """Undo what happened since a moment: newer passkeys go, those that were removed come back."""
    mine = Passkey.user_id == user_id
    await db.execute(delete(Passkey).where(mine, Passkey.created_at >= since))
    removed = update(Passkey).where(mine, Passkey.removed_at >= since)
    await db.execute(removed.values(removed_at=None))


def removed_before(term: timedelta) -> Stale:
    """Return the passkeys that were removed so long ago."""
    return Stale(Passkey, Passkey.removed_at <= func.now() - term, Passkey.removed_at)
