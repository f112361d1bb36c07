"""Which second factors people have, as ``users.factors`` says, and what is counted about them."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import case, func, literal, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.kit.factors import Factor
from app.models.app_secret import AppSecretRow
from app.models.passkey import Passkey
from app.models.role import Role
from app.models.user import User

FAILURES_UNTIL_DISABLED = 100  # NIST SP 800-63B-4, 3.2.2: of codes, in a row


async def recount(db: AsyncSession, user_id: UUID) -> Factor:
    """Say anew which factors a user has, after one came or went; return them."""
    kinds = {Factor.APP: AppSecretRow.is_live(user_id), Factor.PASSKEY: Passkey.is_live(user_id)}
    bits = [
        case((select(literal(1)).where(there).exists(), int(kind)), else_=0)
        for kind, there in kinds.items()
    ]
    statement = (
        update(User)
        .where(User.id == user_id)
        .values(factors=bits[0] + bits[1], factor_failures=0)
        .returning(User.factors)
    )
    return Factor(await db.scalar(statement) or 0)


async def count_failure(db: AsyncSession, user_id: UUID) -> int:
    """Count a wrong code; return how many in a row, 0 if the app's codes are off already."""
    statement = (
        update(User)
        .where(User.id == user_id, User.factor_failures < FAILURES_UNTIL_DISABLED)
        .values(factor_failures=User.factor_failures + 1)
        .returning(User.factor_failures)
    )
    return await db.scalar(statement) or 0


async def forget_failures(db: AsyncSession, user_id: UUID) -> None:
    """Forget wrong codes: a factor was shown. A password never does this."""
    statement = update(User).where(User.id == user_id, User.factor_failures > 0)
    await db.execute(statement.values(factor_failures=0))


async def is_app_disabled(db: AsyncSession, user_id: UUID) -> bool:
    """Whether so many wrong codes came that an app's are not taken any more (MF-02)."""
    found = await db.scalar(select(User.factor_failures).where(User.id == user_id))
    return (found or 0) >= FAILURES_UNTIL_DISABLED


async def is_required(db: AsyncSession, user_id: UUID) -> bool:
    """Whether a user's role wants a factor."""
    found = select(Role.factor_required).join(User, User.role_id == Role.id)
    return bool(await db.scalar(found.where(User.id == user_id)))


async def set_due(
    db: AsyncSession,
    *,
    grace: timedelta,
    role_id: int | None = None,
    user_id: UUID | None = None,
) -> None:
    """Set from when on those need a factor whose role wants one; a time that is set stays."""
    required = select(Role.id).where(Role.factor_required)
    statement = update(User).where(User.role_id.in_(required), User.factor_due_at.is_(None))
    if role_id is not None:
        statement = statement.where(User.role_id == role_id)
    if user_id is not None:
        statement = statement.where(User.id == user_id)
    await db.execute(statement.values(factor_due_at=func.now() + grace))


async def count_people(db: AsyncSession) -> int:
    """Return how many people have a second factor."""
    counted = select(func.count()).select_from(User).where(User.factors > 0)
    return await db.scalar(counted) or 0


async def mark(db: AsyncSession, user_id: UUID) -> list[UUID]:
    """Return the ids of a user's factors, in order."""
    apps = select(AppSecretRow.id).where(AppSecretRow.is_live(user_id))
    keys = select(Passkey.id).where(Passkey.is_live(user_id))
    return sorted([*await db.scalars(apps), *await db.scalars(keys)])
