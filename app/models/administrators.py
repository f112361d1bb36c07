"""Those who look after people: whether there is one, and turns for who changes that."""

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.kit.permissions import Permission
from app.models.role import Role
from app.models.user import User, may_sign_in

LOCK = 0x56455341  # "VESA"


async def lock(db: AsyncSession) -> None:
    """Let those who change who may what take turns, until the transaction ends."""
    await db.execute(select(func.pg_advisory_xact_lock(LOCK)))


async def is_permission_held(db: AsyncSession, permission: Permission) -> bool:
    """Whether the role of anybody has a permission."""
    return bool(await db.scalar(select(somebody(permission))))


async def is_there(db: AsyncSession) -> bool:
    """Whether somebody who can sign in has the permission ADMIN."""
    able = (
        User.password_hash.is_not(None),
        may_sign_in(),
    )
    return bool(await db.scalar(select(somebody(Permission.ADMIN, User, *able))))


async def is_with_factor(db: AsyncSession) -> bool:
    """Whether an administrator who can sign in has a second factor."""
    able = (User.factors > 0, may_sign_in())
    return bool(await db.scalar(select(somebody(Permission.ADMIN, User, *able))))


def somebody(
    permission: Permission, user: type[User] = User, *conditions: ColumnElement[bool]
) -> ColumnElement[bool]:
    """Say that a user with a permission, and of whom more is true, is there.

    For each role one is looked up by the index of roles. That the order asks for: to find just
    one, the planner would read all people and hope to meet them soon.
    """
    first = select(user.id).where(user.role_id.between(Role.id, Role.id), *conditions)
    of_role = first.order_by(user.role_id).limit(1).correlate_except(user).scalar_subquery()
    has = Role.permissions.bitwise_and(int(permission)) != 0
    return select(Role.id).where(has, of_role.is_not(None)).correlate_except(Role).exists()
