"""People as they move to another deployment, and what their passwords' hashes are made by."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models.app_secret import AppSecretRow
from app.models.profile import ProfileValue
from app.models.role import Role
from app.models.user import User

EXPORTED_AT_ONCE = 1000
HASH_BEGINNING = "^(?:flask-security:)?[$]?[a-z0-9_:-]+[$]?(?:v=2,t=2b,r=[0-9]+|2)?"
_EXPORTED = select(
    User.email,
    User.username,
    User.password_hash,
    Role.name.label("role"),
    User.confirmed_at,
    User.blocked_at,
    User.blocked_reason,
    User.delete_at,
    User.terms_accepted_at,
    User.created_at,
    User.last_login_at,
    select(func.jsonb_object_agg(ProfileValue.name, ProfileValue.value))
    .where(ProfileValue.user_id == User.id)
    .scalar_subquery()
    .label("profile"),
).join(Role)
_APP = (
    AppSecretRow.id,
    AppSecretRow.sealed,
    AppSecretRow.algorithm,
    AppSecretRow.digits,
    AppSecretRow.period,
)
_IS_LIVE = and_(
    AppSecretRow.user_id == User.id,
    AppSecretRow.removed_at.is_(None),
    AppSecretRow.confirmed_at.is_not(None),
)


class Exported(NamedTuple):
    """What moves with a user to another deployment, their password's hash too."""

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
    profile: Mapping[str, str] | None
    otpauth: str | None = None


class StoredApp(NamedTuple):
    """A user's authenticator app as it is stored."""

    id: UUID
    sealed: bytes
    algorithm: str
    digits: int
    period: int


async def lift_limits(db: AsyncSession) -> None:
    """Let this transaction take its time: an operator's, not a page's."""
    for setting in ("statement_timeout", "idle_in_transaction_session_timeout"):
        await db.execute(select(func.set_config(setting, "0", True)))  # noqa: FBT003


async def exported(db: AsyncSession) -> AsyncIterator[tuple[Exported, StoredApp | None]]:
    """Return all people with all that moves with them, a thousand at a time, the newest last."""
    apps = _EXPORTED.add_columns(*_APP).outerjoin(AppSecretRow, _IS_LIVE)
    statement = apps.order_by(User.created_at, User.id)
    streamed = await db.stream(statement, execution_options={"yield_per": EXPORTED_AT_ONCE})
    async for row in streamed:
        *user, app_id, sealed, algorithm, digits, period = row
        app = StoredApp(app_id, sealed, algorithm, digits, period) if app_id else None
        yield Exported(*user), app


async def hash_beginnings(db: AsyncSession) -> list[tuple[str, int]]:
    """Return what the hashes of passwords begin with, as far as it tells their kind, how often."""
    beginning = func.substring(User.password_hash, HASH_BEGINNING)
    statement = (
        select(func.coalesce(beginning, ""), func.count())
        .where(User.password_hash.is_not(None))
        .group_by(beginning)
    )
    return [(found, number) for found, number in await db.execute(statement)]
