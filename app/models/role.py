"""Roles: a name, a default flag and permission bits."""

from typing import NamedTuple

from sqlalchemy import Identity, Index, Integer, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, aliased, mapped_column

from app.kit.permissions import Permission
from app.models.base import Base

USER, MODERATOR, ADMINISTRATOR = "User", "Moderator", "Administrator"


class Role(Base):
    """What a user may do, as bits of ``kit.permissions.Permission``. One role is the default.

    ``factor_required``: who has it needs a second factor, some days after they got it.
    """

    __tablename__ = "roles"
    __table_args__ = (
        Index("uq_roles_one_default", "is_default", unique=True, postgresql_where="is_default"),
    )

    id: Mapped[int] = mapped_column(Integer, Identity(always=True), primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    is_default: Mapped[bool] = mapped_column(server_default="false")
    permissions: Mapped[int] = mapped_column(server_default="0")
    factor_required: Mapped[bool] = mapped_column(server_default="false")


class Known(NamedTuple):
    """A role, as an operator sees it."""

    id: int
    name: str
    is_default: bool
    permissions: Permission
    factor_required: bool


async def everything(db: AsyncSession) -> list[Known]:
    """Return all roles, by id."""
    columns = select(Role.id, Role.name, Role.is_default, Role.permissions, Role.factor_required)
    return [
        Known(role_id, name, is_default, Permission(bits), required)
        for role_id, name, is_default, bits, required in await db.execute(columns.order_by(Role.id))
    ]


async def add(db: AsyncSession, name: str, permissions: int) -> bool:
    """Add a role; False if there is one of this name, in any case of emails."""
    values = select(literal(name), literal(permissions))
    there = select(Role.id).where(func.lower(Role.name) == name.lower()).exists()
    statement = (
        insert(Role)
        .from_select(["name", "permissions"], values.where(~there))
        .on_conflict_do_nothing()
        .returning(Role.id)
    )
    return await db.scalar(statement) is not None


async def rename(db: AsyncSession, role_id: int, name: str) -> bool:
    """Give a role another name; False if another has it, in any case of letters."""
    other = aliased(Role)
    taken = select(other.id).where(func.lower(other.name) == name.lower(), other.id != role_id)
    statement = update(Role).where(Role.id == role_id, ~taken.exists()).values(name=name)
    return await db.scalar(statement.returning(Role.id)) is not None


async def set_permissions(db: AsyncSession, role_id: int, permissions: int) -> None:
    """Give a role other permissions; they act on the next request of who has it."""
    await db.execute(update(Role).where(Role.id == role_id).values(permissions=permissions))


async def require_factor(db: AsyncSession, role_id: int, *, required: bool) -> bool:
    """Say whether who has a role needs a second factor; False if that was so before."""
    statement = update(Role).where(Role.id == role_id, Role.factor_required != required)
    changed = statement.values(factor_required=required).returning(Role.id)
    return await db.scalar(changed) is not None


async def set_default(db: AsyncSession, role_id: int) -> None:
    """Let new people get this role."""
    await db.execute(update(Role).where(Role.is_default).values(is_default=False))
    await db.execute(update(Role).where(Role.id == role_id).values(is_default=True))


async def hold(db: AsyncSession, role_id: int) -> None:
    """Keep everybody from getting a role until the transaction ends; who is about to, is first."""
    await db.execute(select(Role.id).where(Role.id == role_id).with_for_update())


async def remove(db: AsyncSession, role_id: int) -> None:
    """Delete a role that nobody has."""
    await db.execute(delete(Role).where(Role.id == role_id))


async def find_id(db: AsyncSession, name: str) -> int | None:
    """Return the id of the role of this name, in any case of emails.

    Until the transaction ends the role is not deleted, so that it can be given.
    """
    found = select(Role.id).where(func.lower(Role.name) == name.lower())
    return await db.scalar(found.with_for_update(read=True, key_share=True))


async def default_id(db: AsyncSession) -> int:
    """Return the id of the role that new people get; it is not deleted meanwhile."""
    found = select(Role.id).where(Role.is_default)
    return (await db.scalars(found.with_for_update(read=True, key_share=True))).one()


async def default_name(db: AsyncSession) -> str | None:
    """Return the name of the role that new people get, None if there is none."""
    return await db.scalar(select(Role.name).where(Role.is_default))


async def names(db: AsyncSession) -> list[str]:
    """Return all names, by id."""
    return list(await db.scalars(select(Role.name).order_by(Role.id)))
