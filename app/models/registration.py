"""Registrations: people who asked for an account and have not confirmed their address yet.

Each has its own credentials, and only its own link makes an account of them. Nothing here is
unique: who mistypes registers again, and a stranger who was first with an address or a name has
taken nothing (TK-13, EN-03).
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    ColumnElement,
    LargeBinary,
    Row,
    any_,
    bindparam,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.db import run
from app.kit.addresses import canonical
from app.models.base import Base, Moment, Now, RandomId, bound
from app.models.pruning import Stale
from app.models.user import User

COUNTED_AT_MOST = 10_000


class Registration(Base):
    """What somebody wants to be known by.

    ``profile`` are values of the site's own fields, for the account that this may become.

    ``fingerprint`` are 16 keyed bits of the password: they pick the hash that a login verifies, so
    that a login always verifies one (EN-02).
    """

    __tablename__ = "registrations"
    __table_args__ = (CheckConstraint("length(email) <= 254", name="email_length"),)

    id: Mapped[RandomId]
    email: Mapped[str]
    email_key: Mapped[str] = mapped_column(index=True)
    username: Mapped[str]
    username_key: Mapped[str] = mapped_column(index=True)
    password_hash: Mapped[str]
    fingerprint: Mapped[bytes]
    terms_accepted_at: Mapped[Moment | None]
    profile: Mapped[dict[str, str]] = mapped_column(JSONB, server_default="{}")
    created_at: Mapped[Now] = mapped_column(index=True)
    expires_at: Mapped[Moment] = mapped_column(index=True)


class Pending(NamedTuple):
    """A registration that waits for its address to be confirmed."""

    id: UUID
    email: str
    username: str
    password_hash: str
    terms_accepted_at: datetime | None
    profile: dict[str, str]


class ListedRegistration(NamedTuple):
    """A registration as operators see it."""

    id: UUID
    username: str
    email: str
    created_at: datetime
    expires_at: datetime


_PENDING = (
    Registration.id,
    Registration.email,
    Registration.username,
    Registration.password_hash,
    Registration.terms_accepted_at,
    Registration.profile,
)


async def add(
    db: AsyncSession,
    *,
    email: str,
    username: str,
    password_hash: str,
    fingerprint: bytes,
    accepts_terms: bool,
    profile: Mapping[str, str],
    lasts: timedelta,
) -> Pending:
    """Write a registration down."""
    statement = (
        insert(Registration)
        .values(
            email=email,
            email_key=canonical(email),
            username=username,
            username_key=canonical(username),
            password_hash=password_hash,
            fingerprint=fingerprint,
            terms_accepted_at=func.now() if accepts_terms else None,
            profile=dict(profile),
            expires_at=func.now() + lasts,
        )
        .returning(*_PENDING)
    )
    return bound(Pending, (await db.execute(statement)).one())


async def find(db: AsyncSession, registration_id: UUID) -> Pending | None:
    """Return a registration that still waits."""
    statement = select(*_PENDING).where(Registration.id == registration_id, _is_live())
    return _pending((await db.execute(statement)).one_or_none())


async def waiting(db: AsyncSession, *, email: str, most: int) -> list[ListedRegistration]:
    """Return those that still wait and can be confirmed, of an address if given, newest first."""
    # One by one, in the order of the index: as EXISTS all people would be read to compare.
    account = select(User.id).where(User.email_key == Registration.email_key).scalar_subquery()
    statement = select(
        Registration.id,
        Registration.username,
        Registration.email,
        Registration.created_at,
        Registration.expires_at,
    ).where(_is_live(), account.is_(None))
    if email:
        statement = statement.where(Registration.email_key == canonical(email))
    rows = await db.execute(statement.order_by(Registration.created_at.desc()).limit(most))
    return [bound(ListedRegistration, row) for row in rows]


async def count_waiting(db: AsyncSession) -> int:
    """Return how many have not confirmed their address yet, at most ``COUNTED_AT_MOST``."""
    account = select(User.id).where(User.email_key == Registration.email_key).scalar_subquery()
    some = select(Registration.id).where(_is_live(), account.is_(None))
    some = some.order_by(Registration.created_at.desc()).limit(COUNTED_AT_MOST)
    return await db.scalar(select(func.count()).select_from(some.subquery())) or 0


async def hold(db: AsyncSession, registration_id: UUID) -> Pending | None:
    """Return a registration that still waits, held until the transaction ends."""
    statement = select(*_PENDING).where(Registration.id == registration_id, _is_live())
    return _pending((await db.execute(statement.with_for_update())).one_or_none())


async def renew(db: AsyncSession, registration_id: UUID, *, lasts: timedelta) -> Pending | None:
    """Let a registration that still waits live as long as a new one, and hold it meanwhile."""
    statement = (
        update(Registration)
        .where(Registration.id == registration_id, _is_live())
        .values(expires_at=func.now() + lasts)
        .returning(*_PENDING)
    )
    return _pending((await db.execute(statement)).one_or_none())


def _is_live() -> ColumnElement[bool]:
    return Registration.expires_at > func.now()


_MAY_BE_MEANT = (
    select(*_PENDING)
    .where(
        Registration.fingerprint == any_(bindparam("fingerprints", type_=ARRAY(LargeBinary))),
        _is_live(),
    )
    .order_by(Registration.created_at.desc())
    .limit(1)
)
_FIND_BY_EMAIL = _MAY_BE_MEANT.where(Registration.email_key == bindparam("key"))
_FIND_BY_USERNAME = _MAY_BE_MEANT.where(Registration.username_key == bindparam("key"))


async def find_by_name(
    db: AsyncSession, name: str, *, fingerprints: Collection[bytes]
) -> Pending | None:
    """Return the newest one of an address or username whose password may be this one.

    ``fingerprints`` are the password's by every accepted key: one was the key when it registered.
    """
    key = canonical(name)
    statement = _FIND_BY_EMAIL if "@" in key else _FIND_BY_USERNAME
    found = await run(db, statement, key=key, fingerprints=list(fingerprints))
    return _pending(found.one_or_none())


async def newest(db: AsyncSession, name: str) -> Pending | None:
    """Return the newest one of an address; of a username, which is nobody's yet, none."""
    statement = (
        select(*_PENDING)
        .where(Registration.email_key == canonical(name), _is_live())
        .order_by(Registration.created_at.desc())
        .limit(1)
    )
    return _pending((await db.execute(statement)).one_or_none())


async def take(db: AsyncSession, registration_id: UUID) -> Pending | None:
    """Use a registration up, its links with it; of any number at once exactly one gets it."""
    statement = (
        delete(Registration)
        .where(Registration.id == registration_id, _is_live())
        .returning(*_PENDING)
    )
    return _pending((await db.execute(statement)).one_or_none())


def expired() -> Stale:
    """Return the registrations that nobody confirmed in time; their links go with them."""
    return Stale(Registration, ~_is_live(), Registration.expires_at)


def _pending(row: Row[*tuple[Any, ...]] | None) -> Pending | None:
    return None if row is None else bound(Pending, row)
