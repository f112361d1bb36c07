"""Sites behind the gate. ``need`` and ``identity`` are written as ``kit.needs`` reads them."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Now, RandomId, bound

LOCK = 0x56455347  # "VESG": the number of the advisory lock


class GuardedSite(Base):
    """An application of somebody's at an ``origin``, which asks us who comes.

    ``need``: what its visitors need, unless a path says otherwise. ``identity``: by which of their
    names it knows them. One that is not ``enabled`` lets nobody in.
    """

    __tablename__ = "sites"
    __table_args__ = (
        CheckConstraint("length(origin) <= 300", name="origin_length"),
        CheckConstraint("length(name) between 1 and 60", name="name_length"),
        CheckConstraint("identity in ('id', 'username', 'email')", name="identity"),
    )

    id: Mapped[RandomId]
    origin: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    need: Mapped[str]
    identity: Mapped[str]
    enabled: Mapped[bool] = mapped_column(server_default="true")
    created_at: Mapped[Now]


class SitePath(Base):
    """What the visitors of a part of a site need: of all prefixes that fit the longest decides."""

    __tablename__ = "site_paths"
    __table_args__ = (CheckConstraint("length(prefix) between 1 and 500", name="prefix_length"),)

    site_id: Mapped[UUID] = mapped_column(
        ForeignKey(GuardedSite.id, ondelete="CASCADE"), primary_key=True
    )
    prefix: Mapped[str] = mapped_column(primary_key=True)
    need: Mapped[str]


class KnownSite(NamedTuple):
    """A site, as an operator sees it. ``paths``: needs by prefix. ``sessions``: who is in."""

    id: UUID
    origin: str
    name: str
    need: str
    identity: str
    enabled: bool
    created_at: datetime
    sessions: int
    paths: dict[str, str]


async def take_turn(db: AsyncSession) -> None:
    """Let changes of sites and groups follow one another: a rule names a group that is there."""
    await db.execute(select(func.pg_advisory_xact_lock(LOCK)))


async def everything(db: AsyncSession) -> list[KnownSite]:
    """Return all sites, by name; ``sessions`` are not counted."""
    paths = await db.execute(
        select(SitePath.site_id, SitePath.prefix, SitePath.need).order_by(SitePath.prefix)
    )
    by_site: dict[UUID, dict[str, str]] = {}
    for site_id, prefix, need in paths:
        by_site.setdefault(site_id, {})[prefix] = need
    statement = select(
        GuardedSite.id,
        GuardedSite.origin,
        GuardedSite.name,
        GuardedSite.need,
        GuardedSite.identity,
        GuardedSite.enabled,
        GuardedSite.created_at,
        literal(0).label("sessions"),
    ).order_by(GuardedSite.name, GuardedSite.origin)
    return [
        KnownSite(**row._asdict(), paths=by_site.get(row.id, {}))
        for row in await db.execute(statement)
    ]


async def add(db: AsyncSession, *, origin: str, name: str, need: str, identity: str) -> UUID | None:
    """Add a site; None if there is one at this origin."""
    statement = (
        insert(GuardedSite)
        .values(origin=origin, name=name, need=need, identity=identity)
        .on_conflict_do_nothing()
        .returning(GuardedSite.id)
    )
    return await db.scalar(statement)


async def change(
    db: AsyncSession, site_id: UUID, *, name: str, need: str, identity: str, enabled: bool
) -> None:
    """Say all anew about a site but where it is; it acts on the next request."""
    statement = update(GuardedSite).where(GuardedSite.id == site_id)
    await db.execute(statement.values(name=name, need=need, identity=identity, enabled=enabled))


async def remove(db: AsyncSession, site_id: UUID) -> None:
    """Delete a site, with its rules, and with who is in."""
    await db.execute(delete(GuardedSite).where(GuardedSite.id == site_id))


async def set_path(db: AsyncSession, site_id: UUID, *, prefix: str, need: str) -> None:
    """Say what a part of a site needs."""
    statement = insert(SitePath).values(site_id=site_id, prefix=prefix, need=need)
    await db.execute(
        statement.on_conflict_do_update(
            index_elements=[SitePath.site_id, SitePath.prefix], set_={"need": need}
        )
    )


async def remove_path(db: AsyncSession, site_id: UUID, *, prefix: str) -> bool:
    """Let a part of a site need what the rest of it does; False if nothing was said of it."""
    statement = delete(SitePath).where(SitePath.site_id == site_id, SitePath.prefix == prefix)
    return await db.scalar(statement.returning(SitePath.prefix)) is not None


class SiteName(NamedTuple):
    """A site's id and name."""

    id: UUID
    name: str
    origin: str


async def names(db: AsyncSession) -> list[SiteName]:
    """Return the sites that let somebody in, by name."""
    statement = select(GuardedSite.id, GuardedSite.name, GuardedSite.origin)
    statement = statement.where(GuardedSite.enabled).order_by(GuardedSite.name)
    return [bound(SiteName, row) for row in await db.execute(statement)]
