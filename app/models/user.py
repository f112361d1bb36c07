"""People, and every statement that touches them."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import NamedTuple, Never
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Row, func, select, text, update
from sqlalchemy import delete as sql_delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.addresses import canonical
from app.kit.passwords import hash_now
from app.kit.permissions import Permission
from app.models.base import Base, Moment, Now, RandomId
from app.models.role import Role


class User(Base):
    """A person. ``email`` is as it was typed, letters go there.

    ``email_key`` is its canonical form.

    ``password_hash`` is null until an invited person sets one. ``credential_version`` grows with
    every change that must end the sessions which the old credentials made (DB-06).

    ``delete_at``: the person asked to be forgotten, and may change his mind until then. Until then
    nobody signs in. ``failures`` counts wrong passwords in a row, from browsers that are not known
    as the person's (BF-01).
    """

    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint("length(email) <= 254", name="email_length"),
        CheckConstraint("length(username) between 3 and 64", name="username_length"),
        Index("ix_users_delete_at", "delete_at", postgresql_where=text("delete_at IS NOT NULL")),
    )

    id: Mapped[RandomId]
    email: Mapped[str]
    email_key: Mapped[str] = mapped_column(unique=True)
    username: Mapped[str]
    username_key: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str | None]
    credential_version: Mapped[int] = mapped_column(server_default="1")
    role_id: Mapped[int] = mapped_column(ForeignKey(Role.id), index=True)
    confirmed_at: Mapped[Moment | None]
    blocked_at: Mapped[Moment | None]
    blocked_reason: Mapped[str | None]
    delete_at: Mapped[Moment | None]
    failures: Mapped[int] = mapped_column(server_default="0")
    terms_accepted_at: Mapped[Moment | None]
    created_at: Mapped[Now]
    last_login_at: Mapped[Moment | None]

    @property
    def password(self) -> Never:
        """Raise: nobody reads a password. Assign one to hash it at once (shell, fixtures)."""
        raise AttributeError("password is write-only")

    @password.setter
    def password(self, password: str) -> None:
        self.password_hash = hash_now(password)


class Credentials(NamedTuple):
    """What a login checks."""

    id: UUID
    email: str
    username: str
    password_hash: str | None
    credential_version: int


class Listed(NamedTuple):
    """What an operator sees of a person."""

    id: UUID
    username: str
    email: str
    role: str
    has_password: bool
    confirmed_at: datetime | None
    blocked_at: datetime | None
    created_at: datetime
    last_login_at: datetime | None


class Exported(NamedTuple):
    """What moves with a person to another deployment, his password's hash too."""

    email: str
    username: str
    password_hash: str | None
    role: str
    confirmed_at: datetime | None
    blocked_at: datetime | None
    blocked_reason: str | None
    delete_at: datetime | None
    terms_accepted_at: datetime | None
    created_at: datetime
    last_login_at: datetime | None


EXPORTED_AT_ONCE = 1000
HASH_BEGINNING = "^[$]?[a-z0-9_:-]+[$]?(?:v=2,t=2b,r=[0-9]+|2)?"
_EXPORTED = select(
    User.email,
    User.username,
    User.password_hash,
    Role.name,
    User.confirmed_at,
    User.blocked_at,
    User.blocked_reason,
    User.delete_at,
    User.terms_accepted_at,
    User.created_at,
    User.last_login_at,
).join(Role)
_CREDENTIALS = select(
    User.id,
    User.email,
    User.username,
    User.password_hash,
    User.credential_version,
)
_LISTED = select(
    User.id,
    User.username,
    User.email,
    Role.name,
    User.password_hash.is_not(None),
    User.confirmed_at,
    User.blocked_at,
    User.created_at,
    User.last_login_at,
).join(Role)


async def find(session: AsyncSession, name: str) -> Credentials | None:
    """Return the person of an address (it has an ``@``) or a user name."""
    key = canonical(name)
    by_name = User.email_key == key if "@" in key else User.username_key == key
    return _credentials((await session.execute(_CREDENTIALS.where(by_name))).one_or_none())


async def is_username_taken(session: AsyncSession, username: str) -> bool:
    """Whether somebody has this user name, in any case of letters."""
    taken = select(User.id).where(User.username_key == canonical(username))
    return await session.scalar(taken) is not None


async def add(
    session: AsyncSession,
    *,
    email: str,
    username: str,
    password_hash: str | None,
    role_id: int,
    terms_accepted_at: datetime | None = None,
) -> UUID | None:
    """Add a person whose address is confirmed; None if it or the user name is somebody's.

    Of any number at once exactly one wins (DB-02).
    """
    statement = (
        insert(User)
        .values(
            email=email,
            email_key=canonical(email),
            username=username,
            username_key=canonical(username),
            password_hash=password_hash,
            role_id=role_id,
            confirmed_at=func.now(),
            terms_accepted_at=terms_accepted_at,
        )
        .on_conflict_do_nothing()
        .returning(User.id)
    )
    return await session.scalar(statement)


async def admit(
    session: AsyncSession, person: Credentials, *, replacement_hash: str | None
) -> bool:
    """Note a login; False if the person was blocked or changed since ``person`` was read.

    The row stays locked until the transaction ends, so a block that comes now waits, and then
    ends the session that this login makes (DB-05).
    """
    statement = (
        update(User)
        .where(
            User.id == person.id,
            User.credential_version == person.credential_version,
            User.blocked_at.is_(None),
            User.confirmed_at.is_not(None),
        )
        .values(
            last_login_at=func.now(),
            password_hash=func.coalesce(replacement_hash, User.password_hash),
        )
        .returning(User.id)
    )
    return await session.scalar(statement) is not None


async def invite_again(session: AsyncSession, user_id: UUID, *, role_id: int | None) -> bool:
    """Set the role, if one is given, of somebody without a password; False if there is one."""
    statement = (
        update(User)
        .where(User.id == user_id, User.password_hash.is_(None))
        .values(role_id=User.role_id if role_id is None else role_id)
        .returning(User.id)
    )
    return await session.scalar(statement) is not None


async def set_password_hash(session: AsyncSession, user_id: UUID, password_hash: str) -> None:
    """Store a new password's hash; sessions of the old one end.

    Who sets one without being signed in has a link that went to his address, so that it is
    confirmed by now: people who were imported unconfirmed come in by it.
    """
    await session.execute(
        update(User)
        .where(User.id == user_id)
        .values(
            password_hash=password_hash,
            credential_version=User.credential_version + 1,
            confirmed_at=func.coalesce(User.confirmed_at, func.now()),
        )
    )


async def accept_terms(session: AsyncSession, user_id: UUID) -> None:
    """Note that a person accepts the terms now."""
    await session.execute(
        update(User).where(User.id == user_id).values(terms_accepted_at=func.now())
    )


async def set_role(session: AsyncSession, user_id: UUID, role_name: str) -> None:
    """Give a person a role by its exact name; it acts on the next request."""
    role_id = select(Role.id).where(Role.name == role_name).scalar_subquery()
    await session.execute(update(User).where(User.id == user_id).values(role_id=role_id))


async def set_blocked(session: AsyncSession, user_id: UUID, *, blocked: bool) -> None:
    """Block or unblock a person."""
    moment = func.coalesce(User.blocked_at, func.now()) if blocked else None
    await session.execute(update(User).where(User.id == user_id).values(blocked_at=moment))


async def delete(session: AsyncSession, user_id: UUID) -> None:
    """Delete a person, and with the row all that hangs on it."""
    await session.execute(sql_delete(User).where(User.id == user_id))


async def everybody(session: AsyncSession) -> list[Listed]:
    """Return all people, the newest last."""
    rows = await session.execute(_LISTED.order_by(User.created_at, User.id))
    return [Listed(*row) for row in rows]


async def be_patient(session: AsyncSession) -> None:
    """Let this transaction take its time: an operator's, not a page's."""
    for setting in ("statement_timeout", "idle_in_transaction_session_timeout"):
        await session.execute(select(func.set_config(setting, "0", True)))  # noqa: FBT003


async def exported(session: AsyncSession) -> AsyncIterator[Exported]:
    """Return all people with all that moves with them, a thousand at a time, the newest last."""
    statement = _EXPORTED.order_by(User.created_at, User.id)
    streamed = await session.stream(statement, execution_options={"yield_per": EXPORTED_AT_ONCE})
    async for row in streamed:
        yield Exported(*row)


async def hash_beginnings(session: AsyncSession) -> list[tuple[str, int]]:
    """Return what the hashes of passwords begin with, as far as it tells their kind, how often."""
    beginning = func.substring(User.password_hash, HASH_BEGINNING)
    statement = (
        select(func.coalesce(beginning, ""), func.count())
        .where(User.password_hash.is_not(None))
        .group_by(beginning)
    )
    return [(found, number) for found, number in await session.execute(statement)]


async def is_permission_held(session: AsyncSession, permission: Permission) -> bool:
    """Whether the role of anybody has a permission."""
    held = select(User.id).join(Role).where(Role.permissions.bitwise_and(int(permission)) != 0)
    return await session.scalar(held.limit(1)) is not None


def _credentials(
    row: Row[UUID, str, str, str | None, int] | None,
) -> Credentials | None:
    return None if row is None else Credentials(*row)
