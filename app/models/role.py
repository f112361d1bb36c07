"""Roles: a name, a default flag and permission bits."""

from sqlalchemy import Identity, Index, Integer, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base

USER, MODERATOR, ADMINISTRATOR = "User", "Moderator", "Administrator"


class Role(Base):
    """What a person may do, as bits of ``kit.permissions.Permission``. One role is the default."""

    __tablename__ = "roles"
    __table_args__ = (
        Index("uq_roles_one_default", "is_default", unique=True, postgresql_where="is_default"),
    )

    id: Mapped[int] = mapped_column(Integer, Identity(always=True), primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    is_default: Mapped[bool] = mapped_column(server_default="false")
    permissions: Mapped[int] = mapped_column(server_default="0")


async def find_id(session: AsyncSession, name: str) -> int | None:
    """Return the id of the role of this name, in any case of letters."""
    return await session.scalar(select(Role.id).where(func.lower(Role.name) == name.lower()))


async def default_id(session: AsyncSession) -> int:
    """Return the id of the role that new people get."""
    return (await session.scalars(select(Role.id).where(Role.is_default))).one()


async def default_name(session: AsyncSession) -> str | None:
    """Return the name of the role that new people get, None if there is none."""
    return await session.scalar(select(Role.name).where(Role.is_default))


async def names(session: AsyncSession) -> list[str]:
    """Return all names, by id."""
    return list(await session.scalars(select(Role.name).order_by(Role.id)))
