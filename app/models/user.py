"""People, and every statement that touches them."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Never
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    Row,
    SmallInteger,
    and_,
    case,
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
from app.models.base import Base, Moment, Now, RandomId, bound
from app.models.role import Role

UNUSUAL = {
    "blocked": "blocked_at IS NOT NULL",
    "leaving": "delete_at IS NOT NULL",
    "unconfirmed": "confirmed_at IS NULL",
    "invited": "password_hash IS NULL",
}
SEARCH_TOKENS = f"search_tokens(username_key, email_key, role_id, {', '.join(UNUSUAL.values())})"


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
            Index(f"ix_users_{state}", "username_key", postgresql_where=text(condition))
            for state, condition in UNUSUAL.items()
        ),
        Index("ix_users_factors", "factors", postgresql_where=text("factors > 0")),
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


_WANT_FACTOR = select(Role.id).where(Role.factor_required)
FAILURES_UNTIL_DISABLED = 100  # NIST SP 800-63B-4, 3.2.2


class Credentials(NamedTuple):
    """What a login checks."""

    id: UUID
    email: str
    username: str
    password_hash: str | None
    credential_version: int
    failures: int
    confirmed_at: datetime | None
    blocked_at: datetime | None
    delete_at: datetime | None
    last_login_at: datetime | None
    factors: int = 0

    @property
    def is_disabled(self) -> bool:
        """Whether strangers tried so many wrong passwords that only a reset helps (BF-01)."""
        return self.failures >= FAILURES_UNTIL_DISABLED


_CREDENTIALS = select(
    User.id,
    User.email,
    User.username,
    User.password_hash,
    User.credential_version,
    User.failures,
    User.confirmed_at,
    User.blocked_at,
    User.delete_at,
    User.last_login_at,
    User.factors,
)


async def find(db: AsyncSession, name: str) -> Credentials | None:
    """Return the user of an address (it has an ``@``) or a username."""
    key = canonical(name)
    by_name = User.email_key == key if "@" in key else User.username_key == key
    return _credentials((await db.execute(_CREDENTIALS.where(by_name))).one_or_none())


async def find_by_id(db: AsyncSession, user_id: UUID) -> Credentials | None:
    """Return the user of an id."""
    return _credentials((await db.execute(_CREDENTIALS.where(User.id == user_id))).one_or_none())


async def lock(db: AsyncSession, user_id: UUID) -> Credentials | None:
    """Return a user, held until the transaction ends: changes of one person take turns."""
    statement = _CREDENTIALS.where(User.id == user_id).with_for_update()
    return _credentials((await db.execute(statement)).one_or_none())


async def lock_all(db: AsyncSession, user_ids: Collection[UUID]) -> Collection[UUID]:
    """Hold people until the transaction ends, in the order of their ids; return who is there."""
    if not user_ids:
        return ()
    held = select(User.id).where(User.id.in_(user_ids)).order_by(User.id).with_for_update()
    return (await db.scalars(held)).all()


async def hold_unchanged(db: AsyncSession, user: Credentials) -> bool:
    """Hold a user until the transaction ends; False if something happened since they were read.

    For what a password was shown for: meanwhile it may have been changed, or its owner may have
    taken the account back.
    """
    now = await lock(db, user.id)
    return (
        now is not None
        and now.credential_version == user.credential_version
        and now.blocked_at is None
        and now.delete_at is None
    )


class Identity(NamedTuple):
    """Who is meant."""

    id: UUID
    username: str


async def identify(db: AsyncSession, name: str) -> Identity | None:
    """Return the user of an address, a username or an id: for operators, not for logins."""
    key = canonical(name).replace("\0", "")  # the only character that the database does not take
    meant = User.email_key == key if "@" in key else User.username_key == key
    user_id = id_of(name)  # what looks like one is no username
    if user_id is not None:
        meant = User.id == user_id
    row = (await db.execute(select(User.id, User.username).where(meant))).one_or_none()
    return None if row is None else bound(Identity, row)


async def is_username_taken(db: AsyncSession, username: str) -> bool:
    """Whether somebody has this username, in any case of emails."""
    taken = select(User.id).where(User.username_key == canonical(username))
    return await db.scalar(taken) is not None


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


async def admit(
    db: AsyncSession, user: Credentials, *, replacement_hash: str | None, grace: timedelta
) -> bool:
    """Note a login; False if the user was blocked, left or changed since ``user`` was read.

    ``grace``: how long they may go without a second factor, from their first login on in a role
    that wants one. The row stays locked until the transaction ends, so a block that comes now
    waits, and then ends the session that this login makes (DB-05).
    """
    statement = (
        update(User)
        .where(
            User.id == user.id,
            User.credential_version == user.credential_version,
            may_sign_in(),
        )
        .values(
            last_login_at=func.now(),
            failures=0,
            password_hash=func.coalesce(replacement_hash, User.password_hash),
            factor_due_at=case(
                (
                    User.factor_due_at.is_(None) & User.role_id.in_(_WANT_FACTOR),
                    func.now() + grace,
                ),
                else_=User.factor_due_at,
            ),
        )
        .returning(User.id)
    )
    return await db.scalar(statement) is not None


async def replace_hash(db: AsyncSession, user: Credentials, password_hash: str) -> None:
    """Store the same password's hash of a better kind."""
    unchanged = User.credential_version == user.credential_version
    statement = update(User).where(User.id == user.id, unchanged)
    await db.execute(statement.values(password_hash=password_hash))


async def count_failure(db: AsyncSession, user_id: UUID | None) -> int:
    """Count a wrong password from a browser that is not known; return how many in a row.

    For nobody it costs the same and returns 0.
    """
    statement = (
        update(User)
        .where(User.id == user_id)
        .values(failures=User.failures + 1)
        .returning(User.failures)
    )
    return await db.scalar(statement) or 0


async def invite_again(db: AsyncSession, user_id: UUID, *, role_id: int | None) -> bool:
    """Change role, if one is given, of somebody without a password; False if there is one."""
    statement = (
        update(User)
        .where(User.id == user_id, User.password_hash.is_(None))
        .values(role_id=User.role_id if role_id is None else role_id)
        .returning(User.id)
    )
    return await db.scalar(statement) is not None


async def set_password_hash(db: AsyncSession, user_id: UUID, password_hash: str) -> int:
    """Store a new password's hash; return the new version. Sessions of the old one end.

    Whoever could choose a password by an email has shown that the address is theirs.
    """
    return await _change(
        db,
        user_id,
        password_hash=password_hash,
        failures=0,
        confirmed_at=func.coalesce(User.confirmed_at, func.now()),
    )


async def accept_terms(db: AsyncSession, user_id: UUID) -> None:
    """Note that a user accepts the terms now."""
    await db.execute(update(User).where(User.id == user_id).values(terms_accepted_at=func.now()))


async def disable_password(db: AsyncSession, user_id: UUID) -> int:
    """Take a user's password away until they choose another; return the new version."""
    return await _change(db, user_id, password_hash=None, failures=0)


async def set_email(db: AsyncSession, user_id: UUID, email: str) -> int | None:
    """Give a user another address; return the new version, None if the address is another's."""
    try:
        async with db.begin_nested():
            return await _change(db, user_id, email=email, email_key=canonical(email))
    except IntegrityError:
        return None


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


async def _change(db: AsyncSession, user_id: UUID, **values: object) -> int:
    """Change what sessions were made by; return the new version."""
    statement = (
        update(User)
        .where(User.id == user_id)
        .values(credential_version=User.credential_version + 1, **values)
        .returning(User.credential_version)
    )
    return (await db.scalars(statement)).one()


def _credentials(row: Row[*tuple[Any, ...]] | None) -> Credentials | None:
    return None if row is None else bound(Credentials, row)
