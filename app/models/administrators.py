"""Those who look after people: whether there is one, and turns for who changes that."""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.kit.permissions import Permission
from app.models.role import Role
from app.models.user import User

LOCK = 0x56455341  # "VESA"


async def lock(session: AsyncSession) -> None:
    """Let those who change who may what take turns, until the transaction ends."""
    await session.execute(select(func.pg_advisory_xact_lock(LOCK)))


async def is_permission_held(session: AsyncSession, permission: Permission) -> bool:
    """Whether the role of anybody has a permission."""
    held = select(User.id).join(Role).where(Role.permissions.bitwise_and(int(permission)) != 0)
    return await session.scalar(held.limit(1)) is not None


async def is_there(session: AsyncSession) -> bool:
    """Whether somebody who can sign in has the permission ADMIN."""
    able = (
        select(User.id)
        .join(Role)
        .where(
            Role.permissions.bitwise_and(int(Permission.ADMIN)) != 0,
            User.password_hash.is_not(None),
            User.confirmed_at.is_not(None),
            User.blocked_at.is_(None),
            User.delete_at.is_(None),
        )
    )
    return await session.scalar(able.limit(1)) is not None
