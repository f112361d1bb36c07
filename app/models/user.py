"""People, and the statements that touch them; what a login checks is in ``credentials``."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple, Never
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    SmallInteger,
    and_,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy import delete as sql_delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.addresses import canonical, id_of
from app.kit.passwords import hash_now, verify_now
from app.kit.permissions import Permission
from app.kit.tokens import digest
from app.models import reserved_name
from app.models.base import Base, Moment, Now, RandomId, bound
from app.models.role import Role

UNUSUAL = {
    "blocked": "blocked_at IS NOT NULL",
    "deletion-pending": "delete_at IS NOT NULL",
    "unconfirmed": "confirmed_at IS NULL",
    "invited": "password_hash IS NULL",
}
_INDEXES = ("blocked", "leaving", "unconfirmed", "invited")  # as migrations named them
SEARCH_TOKENS = f"search_tokens(username_key, email_key, role_id, {', '.join(UNUSUAL.values())})"
SEEN = "coalesce(last_login_at, '-infinity'::timestamptz)"  # never is before all else


class User(Base):
    """A person. ``email`` is as it was typed, emails go there.

    ``email_key`` is its canonical form.

    ``password_hash`` is null until an invited person sets one. ``credential_version`` grows with
    every change that must end the sessions which the old credentials made (DB-06).

    ``delete_at``: the user asked to be forgotten, and may change their mind until then. Until then
    nobody signs in. ``failures`` counts wrong passwords in a row, from browsers that are not known
    as the user's (BF-01).

    ``factors``: which second factors they have, as bits of ``kit.factors.Factor``, kept in the
    transaction in which one comes or goes. ``factor_failures``: wrong codes in a row.
    ``factor_due_at``: from when on their role wants one; set once, never moved.

    ``time_zone``: in which pages and emails tell them times; UTC if there is none.
    """

    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint("length(email) <= 254", name="email_length"),
        CheckConstraint("length(username) between 3 and 64", name="username_length"),
        Index("ix_users_delete_at", "delete_at", postgresql_where=text("delete_at IS NOT NULL")),
        # Those on username_key go by code points (COLLATE "C"): the migration says so, and alembic
        # does not look.
        Index("ix_users_in_order", "username_key", postgresql_include=["email_key", "id"]),
        Index("ix_users_role_in_order", "role_id", "username_key"),
        *(
            Index(f"ix_users_{name}", "username_key", postgresql_where=text(condition))
            for name, condition in zip(_INDEXES, UNUSUAL.values(), strict=True)
        ),
        Index("ix_users_factors", "factors", postgresql_where=text("factors > 0")),
        Index("ix_users_created", "created_at", "id"),
        Index("ix_users_seen", text(SEEN), "id"),
        Index("ix_users_search", text(SEARCH_TOKENS), postgresql_using="gin"),
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
    factors: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    factor_failures: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    factor_due_at: Mapped[Moment | None]
    terms_accepted_at: Mapped[Moment | None]
    created_at: Mapped[Now]
    last_login_at: Mapped[Moment | None]
    time_zone: Mapped[str | None]

    @property
    def password(self) -> Never:
        """Raise: nobody reads a password. Assign one to hash it at once (shell, fixtures)."""
        raise AttributeError("password is write-only")

    @password.setter
    def password(self, password: str) -> None:
        self.password_hash = hash_now(password)

    def verify_password(self, password: str) -> bool:
        """Whether a password is this user's. It blocks: for the shell and fixtures, not for pages.

        A page signs people in by ``flows/login.py``, which counts the attempt and hashes in a
        thread.
        """
        return verify_now(password, self.password_hash)


def may_sign_in(user: type[User] = User) -> ColumnElement[bool]:
    """Whether a user may sign in, and stay signed in: the one rule.

    Whether there is a password, and which, is asked beside it where it matters.
    """
    return and_(is_welcome(user), user.delete_at.is_(None))


def is_welcome(user: type[User] = User) -> ColumnElement[bool]:
    """As ``may_sign_in``, or asked to be deleted: who may change their mind until then."""
    return and_(user.blocked_at.is_(None), user.confirmed_at.is_not(None))


async def lock_all(db: AsyncSession, user_ids: Collection[UUID]) -> Collection[UUID]:
    """Hold people until the transaction ends, in the order of their ids; return who is there."""
    if not user_ids:
        return ()
    held = select(User.id).where(User.id.in_(user_ids)).order_by(User.id).with_for_update()
    return (await db.scalars(held)).all()


class Identity(NamedTuple):
    """Who is meant."""

    id: UUID
    username: str
    email: str


async def identify(db: AsyncSession, name: str) -> Identity | None:
    """Return the user of an address, a username or an id: for operators, not for logins."""
    key = canonical(name).replace("\0", "")  # the only character that the database does not take
    meant = User.email_key == key if "@" in key else User.username_key == key
    user_id = id_of(name)  # what looks like one is no username
    if user_id is not None:
        meant = User.id == user_id
    row = (await db.execute(select(User.id, User.username, User.email).where(meant))).one_or_none()
    return None if row is None else bound(Identity, row)


async def is_username_taken(db: AsyncSession, username: str) -> bool:
    """Whether somebody has this username, in any case of emails, or gave it up behind a site."""
    key = canonical(username)
    taken = await db.scalar(select(User.id).where(User.username_key == key)) is not None
    return taken or await reserved_name.is_reserved(db, digest(key))


async def add(
    db: AsyncSession,
    *,
    email: str,
    username: str,
    password_hash: str | None,
    role_id: int,
    terms_accepted_at: datetime | None = None,
) -> UUID | None:
    """Add a user whose address is confirmed; None if it or the username is somebody's.

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
    return await db.scalar(statement)


async def invite_again(db: AsyncSession, user_id: UUID, *, role_id: int | None) -> bool:
    """Change role, if one is given, of somebody without a password; False if there is one."""
    statement = (
        update(User)
        .where(User.id == user_id, User.password_hash.is_(None))
        .values(role_id=User.role_id if role_id is None else role_id)
        .returning(User.id)
    )
    return await db.scalar(statement) is not None


async def accept_terms(db: AsyncSession, user_id: UUID) -> None:
    """Note that a user accepts the terms now."""
    await db.execute(update(User).where(User.id == user_id).values(terms_accepted_at=func.now()))


async def set_username(db: AsyncSession, user_id: UUID, username: str) -> bool:
    """Give a user another username; False if it is another's."""
    try:
        async with db.begin_nested():
            await db.execute(
                update(User)
                .where(User.id == user_id)
                .values(username=username, username_key=canonical(username))
            )
    except IntegrityError:
        return False
    return True


async def set_time_zone(db: AsyncSession, user_id: UUID, time_zone: str | None) -> None:
    """Let pages tell a user times in a zone."""
    await db.execute(update(User).where(User.id == user_id).values(time_zone=time_zone))


async def permissions_of(db: AsyncSession, user_id: UUID, *, holding: bool) -> Permission:
    """Return what a user's role may; ``holding``: no less until the transaction ends."""
    found = select(Role.permissions).join(User).where(User.id == user_id)
    bits = await db.scalar(found.with_for_update(read=True, of=Role) if holding else found)
    return Permission(bits or 0)


async def set_role(db: AsyncSession, user_id: UUID, role_name: str) -> bool:
    """Give a user a role by its exact name, from the next request on; False if it is theirs."""
    role_id = select(Role.id).where(Role.name == role_name).scalar_subquery()
    statement = update(User).where(User.id == user_id, User.role_id != role_id)
    return await db.scalar(statement.values(role_id=role_id).returning(User.id)) is not None


async def count_with_role(db: AsyncSession, role_id: int) -> int:
    """Return how many people have a role."""
    counted = select(func.count()).where(User.role_id == role_id)
    return await db.scalar(counted) or 0


async def block(db: AsyncSession, user_id: UUID, *, reason: str | None) -> bool:
    """Block a user; of one who is blocked already only the reason changes.

    False if nothing does.
    """
    statement = (
        update(User)
        .where(
            User.id == user_id,
            or_(User.blocked_at.is_(None), User.blocked_reason.is_distinct_from(reason)),
        )
        .values(blocked_at=func.coalesce(User.blocked_at, func.now()), blocked_reason=reason)
        .returning(User.id)
    )
    return await db.scalar(statement) is not None


async def unblock(db: AsyncSession, user_id: UUID) -> bool:
    """Let a blocked person in again; False if they were not blocked."""
    statement = (
        update(User)
        .where(User.id == user_id, User.blocked_at.is_not(None))
        .values(blocked_at=None, blocked_reason=None)
        .returning(User.id)
    )
    return await db.scalar(statement) is not None


async def blocked_reason(db: AsyncSession, user_id: UUID) -> str | None:
    """Return why a user is blocked."""
    return await db.scalar(select(User.blocked_reason).where(User.id == user_id))


async def delete(db: AsyncSession, user_id: UUID) -> None:
    """Delete a user, and with the row all that hangs on it."""
    await db.execute(sql_delete(User).where(User.id == user_id))
