"""Users as a login sees them: what is checked, and what is changed with a new version."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    Interval,
    Row,
    Text,
    bindparam,
    case,
    func,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import run
from app.kit.addresses import canonical
from app.models.base import bound
from app.models.role import Role
from app.models.user import User, may_sign_in

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
    time_zone: str | None = None

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
    User.time_zone,
)


_FIND_BY_EMAIL = _CREDENTIALS.where(User.email_key == bindparam("key"))
_FIND_BY_USERNAME = _CREDENTIALS.where(User.username_key == bindparam("key"))


async def find(db: AsyncSession, name: str) -> Credentials | None:
    """Return the user of an address (it has an ``@``) or a username."""
    key = canonical(name)
    found = await run(db, _FIND_BY_EMAIL if "@" in key else _FIND_BY_USERNAME, key=key)
    return _credentials(found.one_or_none())


async def find_by_id(db: AsyncSession, user_id: UUID) -> Credentials | None:
    """Return the user of an id."""
    return _credentials((await db.execute(_CREDENTIALS.where(User.id == user_id))).one_or_none())


async def lock(db: AsyncSession, user_id: UUID) -> Credentials | None:
    """Return a user, held until the transaction ends: changes of one person take turns."""
    statement = _CREDENTIALS.where(User.id == user_id).with_for_update()
    return _credentials((await db.execute(statement)).one_or_none())


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


_ADMIT = (
    update(User)
    .where(
        User.id == bindparam("user_id"),
        User.credential_version == bindparam("version"),
        may_sign_in(),
    )
    .values(
        last_login_at=func.now(),
        failures=0,
        password_hash=func.coalesce(bindparam("replacement", type_=Text), User.password_hash),
        factor_due_at=case(
            (
                User.factor_due_at.is_(None) & User.role_id.in_(_WANT_FACTOR),
                func.now() + bindparam("grace", type_=Interval),
            ),
            else_=User.factor_due_at,
        ),
    )
    .returning(User.id)
)


async def admit(
    db: AsyncSession, user: Credentials, *, replacement_hash: str | None, grace: timedelta
) -> bool:
    """Note a login; False if the user was blocked, left or changed since ``user`` was read.

    ``grace``: how long they may go without a second factor, from their first login on in a role
    that wants one. The row stays locked until the transaction ends, so a block that comes now
    waits, and then ends the session that this login makes (DB-05).
    """
    admitted = await run(
        db,
        _ADMIT,
        user_id=user.id,
        version=user.credential_version,
        replacement=replacement_hash,
        grace=grace,
    )
    return admitted.scalar() is not None


_COUNT_FAILURE = (
    update(User)
    .where(User.id == bindparam("user_id"))
    .values(failures=User.failures + 1)
    .returning(User.failures)
)


async def replace_hash(db: AsyncSession, user: Credentials, password_hash: str) -> None:
    """Store the same password's hash of a better kind."""
    unchanged = User.credential_version == user.credential_version
    statement = update(User).where(User.id == user.id, unchanged)
    await db.execute(statement.values(password_hash=password_hash))


async def count_failure(db: AsyncSession, user_id: UUID | None) -> int:
    """Count a wrong password from a browser that is not known; return how many in a row.

    For nobody it costs the same and returns 0.
    """
    return (await run(db, _COUNT_FAILURE, user_id=user_id)).scalar() or 0


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
