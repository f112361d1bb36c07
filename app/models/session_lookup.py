"""Who is signed in: the look-up of many sessions at once, on the hot path."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Interval,
    LargeBinary,
    SQLColumnExpression,
    Uuid,
    any_,
    bindparam,
    case,
    false,
    func,
    literal_column,
    select,
    update,
)

from app.db import prepared
from app.kit.permissions import Permission
from app.models.role import Role
from app.models.session import LoginSession
from app.models.user import User, may_sign_in


class CurrentSession(NamedTuple):
    """The user behind a live session, as the pages see them.

    ``is_fresh``: the password was shown lately, ``is_factor_fresh``: a second factor, by whoever
    has one. ``shows_factor``: one was shown in this session. ``factor_due_at``: from when on their
    role wants one, None if it wants none or they have one.
    """

    session_id: UUID
    user_id: UUID
    username: str
    email: str
    role: str
    permissions: Permission
    is_stale: bool
    is_fresh: bool
    factors: int
    shows_factor: bool
    is_factor_fresh: bool
    factor_due_at: datetime | None
    is_factor_overdue: bool
    time_zone: str | None = None


NO_FACTOR: ColumnElement[int] = literal_column("0")

# All ends are judged by the database's clock. ``proof``: for how long a password that was shown is
# good for what is sensitive. ``rest``: after how long the use of a session is noted again.
SESSION: tuple[SQLColumnExpression[Any], ...] = (
    LoginSession.id,
    User.id,
    User.username,
    User.email,
    Role.name,
    Role.permissions,
    LoginSession.seen_at < func.now() - bindparam("rest", type_=Interval),
    func.coalesce(
        LoginSession.reauthenticated_at > func.now() - bindparam("proof", type_=Interval),
        false(),
    ),
    User.factors,
    LoginSession.factor_at.is_not(None),
    (User.factors == NO_FACTOR)
    | func.coalesce(
        LoginSession.factor_at > func.now() - bindparam("proof", type_=Interval), false()
    ),
    case((Role.factor_required & (User.factors == NO_FACTOR), User.factor_due_at)),
    Role.factor_required
    & (User.factors == NO_FACTOR)
    & func.coalesce(User.factor_due_at <= func.now(), false()),
)
# What a session must be to be looked up, here and at the gate: the one rule.
LIVE: tuple[ColumnElement[bool], ...] = (
    LoginSession.expires_at > func.now(),
    LoginSession.remembered
    | (LoginSession.seen_at > func.now() - bindparam("idle", type_=Interval)),
    LoginSession.credential_version == User.credential_version,
    may_sign_in(),
)
FIND = prepared(
    select(LoginSession.digest, *SESSION, User.time_zone)
    .join(User, User.id == LoginSession.user_id)
    .join(Role, Role.id == User.role_id)
    .where(LoginSession.digest == any_(bindparam("digests", type_=ARRAY(LargeBinary))), *LIVE)
)

# Who is busy with a session has noted more than its use: it is passed over, so nobody waits.
TOUCH = prepared(
    update(LoginSession)
    .where(
        LoginSession.id.in_(
            select(LoginSession.id)
            .where(LoginSession.id == any_(bindparam("ids", type_=ARRAY(Uuid))))
            .with_for_update(skip_locked=True)
        )
    )
    .values(seen_at=func.now())
)


def found(row: asyncpg.Record) -> tuple[bytes, CurrentSession]:
    """Return a row of ``FIND``: the digest of a session, and the user behind it."""
    digest, *columns = row
    return digest, session_of(columns)


def session_of(columns: Sequence[Any]) -> CurrentSession:
    """Return who the columns ``SESSION`` say."""
    session_id, user_id, username, email, role, permissions, *proofs = columns
    return CurrentSession(
        session_id, user_id, username, email, role, permission(permissions), *proofs
    )


@cache
def permission(bits: int) -> Permission:
    """Return permissions; made once, for that takes longer than to find them."""
    return Permission(bits)
