"""One-time tokens: the rows behind the links in emails. Using one up deletes it."""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Interval,
    Text,
    and_,
    any_,
    bindparam,
    delete,
    func,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.db import run
from app.kit.sealing import Purpose
from app.models.base import Base, Moment, Now, bound
from app.models.pruning import Stale
from app.models.registration import Registration
from app.models.user import User


class OneTimeToken(Base):
    """A link that works once and for one purpose: of a registration, or of a user.

    ``email`` is the address that it went to, where using it up says something of that address
    (TK-12).
    """

    __tablename__ = "one_time_tokens"
    __table_args__ = (
        CheckConstraint("length(digest) = 32", name="digest_length"),
        CheckConstraint("num_nonnulls(user_id, registration_id) = 1", name="one_owner"),
    )

    digest: Mapped[bytes] = mapped_column(primary_key=True)
    purpose: Mapped[str]
    user_id: Mapped[UUID | None] = mapped_column(
        ForeignKey(User.id, ondelete="CASCADE"), index=True
    )
    registration_id: Mapped[UUID | None] = mapped_column(
        ForeignKey(Registration.id, ondelete="CASCADE"), index=True
    )
    email: Mapped[str | None]
    created_at: Mapped[Now]
    expires_at: Mapped[Moment] = mapped_column(index=True)


_TAKEN = (OneTimeToken.user_id, OneTimeToken.email, OneTimeToken.created_at)


_ADD = insert(OneTimeToken).values(
    digest=bindparam("digest"),
    purpose=bindparam("purpose"),
    user_id=bindparam("user_id"),
    registration_id=bindparam("registration_id"),
    email=bindparam("email"),
    expires_at=func.now() + bindparam("valid", type_=Interval),
)
_VOID = (
    delete(OneTimeToken)
    .where(
        OneTimeToken.user_id == bindparam("user_id"),
        OneTimeToken.purpose == any_(bindparam("purposes", type_=ARRAY(Text))),
    )
    .returning(OneTimeToken.expires_at > func.now())
)


async def add(
    db: AsyncSession,
    *,
    digest: bytes,
    purpose: Purpose,
    valid: timedelta,
    user_id: UUID | None = None,
    registration_id: UUID | None = None,
    email: str | None = None,
) -> None:
    """Store a token of a user or of a registration; it lives by the database's clock."""
    await run(
        db,
        _ADD,
        digest=digest,
        purpose=purpose,
        user_id=user_id,
        registration_id=registration_id,
        email=email,
        valid=valid,
    )


async def find_registration(
    db: AsyncSession, digest: bytes, *, purpose: Purpose = Purpose.CONFIRM
) -> UUID | None:
    """Return whose registration a link confirms; ``registration.take`` uses it up."""
    statement = select(OneTimeToken.registration_id).where(_is_live(digest, purpose))
    return await db.scalar(statement)


class LinkOwner(NamedTuple):
    """Whose link it is."""

    username: str
    email: str


class Taken(NamedTuple):
    """A token that was used up."""

    user_id: UUID
    email: str | None
    created_at: datetime


async def find_owner(db: AsyncSession, digest: bytes, *, purpose: Purpose) -> LinkOwner | None:
    """Return the user whose link this is. Only ``take`` decides."""
    statement = select(User.username, User.email).join(OneTimeToken)
    row = (await db.execute(statement.where(_is_live(digest, purpose)))).one_or_none()
    return None if row is None else bound(LinkOwner, row)


async def find(db: AsyncSession, digest: bytes, *, purpose: Purpose) -> Taken | None:
    """Return what a user's token is about. Only ``take`` decides."""
    statement = select(*_TAKEN).where(_is_live(digest, purpose), OneTimeToken.user_id.is_not(None))
    row = (await db.execute(statement)).one_or_none()
    return None if row is None else bound(Taken, row)


async def take(db: AsyncSession, digest: bytes, *, purpose: Purpose) -> Taken | None:
    """Use up a user's token; of any number at once exactly one gets it (TK-02).

    The user is locked first, so that two links of one person, each voiding the other, take turns.
    """
    owner = select(OneTimeToken.user_id).where(_is_live(digest, purpose)).scalar_subquery()
    await db.execute(select(User.id).where(User.id == owner).with_for_update())
    statement = delete(OneTimeToken).where(
        _is_live(digest, purpose), OneTimeToken.user_id.is_not(None)
    )
    row = (await db.execute(statement.returning(*_TAKEN))).one_or_none()
    return None if row is None else bound(Taken, row)


async def waiting_email(db: AsyncSession, user_id: UUID) -> str | None:
    """Return the address that a user wants to change to and has not confirmed yet."""
    statement = select(OneTimeToken.email).where(
        OneTimeToken.user_id == user_id,
        OneTimeToken.purpose == Purpose.CHANGE_EMAIL,
        OneTimeToken.expires_at > func.now(),
    )
    return await db.scalar(statement.limit(1))


async def void(db: AsyncSession, user_id: UUID, *purposes: Purpose) -> bool:
    """Take back all tokens of a user for some purposes; return whether one was still good."""
    return any((await run(db, _VOID, user_id=user_id, purposes=purposes)).scalars())


async def void_of_registration(db: AsyncSession, registration_id: UUID, purpose: Purpose) -> None:
    """Take back all tokens of a registration for one purpose."""
    await db.execute(
        delete(OneTimeToken).where(
            OneTimeToken.registration_id == registration_id, OneTimeToken.purpose == purpose
        )
    )


async def void_like(db: AsyncSession, taken: Taken, *, purpose: Purpose) -> None:
    """Take back the tokens of a user that went out after one, or to the same address."""
    await db.execute(
        delete(OneTimeToken).where(
            OneTimeToken.user_id == taken.user_id,
            OneTimeToken.purpose == purpose,
            or_(
                OneTimeToken.created_at >= taken.created_at,
                OneTimeToken.email == taken.email,
            ),
        )
    )


def expired() -> Stale:
    """Return the tokens that open nothing any more."""
    return Stale(OneTimeToken, OneTimeToken.expires_at <= func.now(), OneTimeToken.expires_at)


def _is_live(digest: bytes, purpose: Purpose) -> ColumnElement[bool]:
    return and_(
        OneTimeToken.digest == digest,
        OneTimeToken.purpose == purpose,
        OneTimeToken.expires_at > func.now(),
    )
