"""People on their way in from elsewhere: a table of one transaction, and what becomes of it.

Nothing here waits for anybody: the table of people is only read, until ``admit`` writes.
"""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    Select,
    SQLColumnExpression,
    Table,
    Text,
    Uuid,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    null,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.kit.addresses import canonical
from app.kit.factors import Factor
from app.models.app_secret import AppSecretRow
from app.models.base import bound
from app.models.profile import ProfileValue
from app.models.user import User

_MOMENT = DateTime(timezone=True)
_COPIED = (
    Column("line", BigInteger, nullable=False),
    Column("email", Text),
    Column("email_key", Text),
    Column("username", Text),
    Column("username_key", Text),
    Column("is_derived", Boolean),
    Column("password_hash", Text),
    Column("role_id", Integer),
    Column("confirmed_at", _MOMENT),
    Column("blocked_at", _MOMENT),
    Column("blocked_reason", Text),
    Column("delete_at", _MOMENT),
    Column("terms_accepted_at", _MOMENT),
    Column("created_at", _MOMENT),
    Column("last_login_at", _MOMENT),
    Column("profile", JSONB),
    Column("app_id", Uuid),
    Column("app_sealed", LargeBinary),
    Column("app_algorithm", Text),
    Column("app_digits", Integer),
    Column("app_period", Integer),
)
STAGED = Table(
    "staged_users",
    MetaData(),  # not the schema's: no migration knows it
    Column("id", Uuid, server_default=text("gen_random_uuid()")),
    *_COPIED,
    prefixes=["TEMPORARY"],
    postgresql_on_commit="DROP",
)
COLUMNS = tuple(column.name for column in _COPIED)
_INDEXES = (
    Index("ix_staged_users_line", STAGED.c.line),
    Index("ix_staged_users_email_key", STAGED.c.email_key),
    Index("ix_staged_users_username_key", STAGED.c.username_key),
)
_C = STAGED.c
APP_COLUMNS = tuple(name for name in COLUMNS if name.startswith("app_"))
_KEPT = [name for name in COLUMNS if name not in {"line", "is_derived", "profile", *APP_COLUMNS}]
_HAS_APP = _C.app_id.is_not(None)


class StagingConflict(NamedTuple):
    """A staged user who cannot come in. ``other`` is the line of who was first, None: is there."""

    line: int
    email: str
    username: str
    other: int | None


class Kept(NamedTuple):
    """How many staged users there are, and how many of them cannot sign in at once."""

    users: int
    unconfirmed: int
    without_password: int


async def prepare(db: AsyncSession) -> None:
    """Make the table, for this transaction, and let the transaction take its time."""
    for setting in ("statement_timeout", "idle_in_transaction_session_timeout"):
        await db.execute(select(func.set_config(setting, "0", True)))  # noqa: FBT003
    await db.execute(select(func.set_config("lock_timeout", "60s", True)))  # noqa: FBT003
    connection = await db.connection()
    await connection.run_sync(lambda sync: STAGED.create(sync, checkfirst=False))


async def put(db: AsyncSession, users: Sequence[Sequence[object]]) -> None:
    """Add people, each with the values of ``COLUMNS``."""
    connection = await (await db.connection()).get_raw_connection()
    driver = connection.driver_connection
    if driver is None:
        raise LookupError("no connection")
    await driver.copy_records_to_table(STAGED.name, records=users, columns=COLUMNS)


async def index(db: AsyncSession) -> None:
    """Let the database know what it has, once all are there."""
    await db.execute(text(f"ANALYZE {STAGED.name}"))


async def drop_present(db: AsyncSession) -> int:
    """Let go of who is here already, by their address; return how many."""
    there = exists().where(User.email_key == _C.email_key)
    return len((await db.execute(delete(STAGED).where(there).returning(_C.line))).all())


async def drop_twins(db: AsyncSession) -> list[StagingConflict]:
    """Let go of all but the first of those with one address; return them."""
    return await _drop_later(db, _C.email_key, among=_C.email_key.is_not(None))


async def drop_taken_names(db: AsyncSession) -> list[StagingConflict]:
    """Let go of who brings a username that is somebody's, here or before them; return them."""
    imported = _C.is_derived.is_(False)
    taken = and_(imported, exists().where(User.username_key == _C.username_key))
    statement = (
        delete(STAGED).where(taken).returning(_C.line, _C.email, _C.username, null().label("other"))
    )
    here = [bound(StagingConflict, row) for row in await db.execute(statement)]
    return here + await _drop_later(db, _C.username_key, among=imported)


async def unname(db: AsyncSession) -> None:
    """Take away the derived usernames that are somebody's, here or among the staged users."""
    other = STAGED.alias()
    first = and_(
        other.c.username_key == _C.username_key,
        or_(other.c.is_derived.is_(False), other.c.line < _C.line),
    )
    taken = or_(exists().where(User.username_key == _C.username_key), exists().where(first))
    await db.execute(update(STAGED).where(_C.is_derived.is_(True), taken).values(username_key=None))


async def nameless(db: AsyncSession, *, most: int) -> list[tuple[int, str]]:
    """Return some of those without a username: line, and the name that they would have had."""
    statement = select(_C.line, _C.username).where(_C.username_key.is_(None))
    rows = await db.execute(statement.order_by(_C.line).limit(most))
    return [(line, username) for line, username in rows]


async def taken_names(db: AsyncSession, usernames: Sequence[str]) -> set[str]:
    """Return which of these usernames are somebody's, here or among the staged users."""
    keys = [canonical(username) for username in usernames]
    found: set[str] = set()
    for column in (User.username_key, _C.username_key):
        found.update(await db.scalars(_among(column, keys)))
    return found


async def give_names(db: AsyncSession, names: dict[int, str]) -> None:
    """Give staged users, by their lines, the usernames that were found for them."""
    given = (
        func.unnest(
            bindparam("lines", list(names), ARRAY(BigInteger)),
            bindparam("names", list(names.values()), ARRAY(Text)),
            bindparam("keys", [canonical(name) for name in names.values()], ARRAY(Text)),
        )
        .table_valued("line", "name", "key")
        .render_derived()
    )
    await db.execute(
        update(STAGED)
        .where(_C.line == given.c.line)
        .values(username=given.c.name, username_key=given.c.key)
    )


async def kept(db: AsyncSession) -> Kept:
    """Return how many there are by now."""
    statement = select(
        func.count(),
        func.count().filter(_C.confirmed_at.is_(None)),
        func.count().filter(_C.password_hash.is_(None)),
    ).select_from(STAGED)
    return Kept(*(await db.execute(statement)).one())


async def admit(db: AsyncSession, *, after: int, most: int) -> tuple[int | None, list[UUID]]:
    """Make people of some staged users, in order; who was faster with an address or a name wins.

    Returns:
        The last line that was looked at, None if there is none after ``after``; and who is in.
    """
    lines = select(_C.line).where(_C.line > after).order_by(_C.line).limit(most).subquery()
    last: int | None = await db.scalar(select(func.max(lines.c.line)))
    if last is None:
        return None, []
    these = and_(_C.line > after, _C.line <= last)
    factors = case((_HAS_APP, int(Factor.APP)), else_=0)
    source = select(_C.id, factors, *(_C[name] for name in _KEPT)).where(these)
    statement = (
        insert(User)
        .from_select(["id", "factors", *_KEPT], source.order_by(_C.line))
        .on_conflict_do_nothing()
        .returning(User.id)
    )
    admitted = list(await db.scalars(statement))
    told = func.jsonb_each(_C.profile).table_valued(
        "key", Column("value", JSONB), joins_implicitly=True
    )
    values = select(_C.id, told.c.key, told.c.value[0].astext, told.c.value[1].astext)
    values = values.where(these, exists().where(User.id == _C.id))
    columns = ["user_id", "name", "value", "search_key"]
    await db.execute(insert(ProfileValue).from_select(columns, values))
    apps = select(
        _C.app_id, _C.id, _C.app_sealed, _C.app_algorithm, _C.app_digits, _C.app_period, func.now()
    ).where(these, _HAS_APP, exists().where(User.id == _C.id))
    names = ["id", "user_id", "sealed", "algorithm", "digits", "period", "confirmed_at"]
    await db.execute(insert(AppSecretRow).from_select(names, apps))
    return last, admitted


async def drop_late(db: AsyncSession) -> tuple[int, list[StagingConflict]]:
    """Let go of those whom the site was faster than, after ``admit``.

    Returns:
        How many are here now by their own doing, and those whose username went to somebody else.
    """
    late = ~exists().where(User.id == _C.id)
    statement = delete(STAGED).where(late).returning(_C.line, _C.email, _C.username, _there())
    rows = (await db.execute(statement)).all()
    gone = [
        StagingConflict(line, email, username, None)
        for line, email, username, there in rows
        if not there
    ]
    return len(rows) - len(gone), gone


def _there() -> ColumnElement[bool]:
    return exists().where(User.email_key == _C.email_key)


def _among(column: SQLColumnExpression[str], keys: list[str]) -> Select[str]:
    return select(column).where(column == func.any(bindparam("keys", keys, ARRAY(Text))))


async def _drop_later(
    db: AsyncSession, key: ColumnElement[str], *, among: ColumnElement[bool]
) -> list[StagingConflict]:
    first = func.min(_C.line).over(partition_by=key).label("first")
    found = select(_C.line, first).where(among).subquery()
    statement = (
        delete(STAGED)
        .where(_C.line == found.c.line, found.c.line != found.c.first)
        .returning(_C.line, _C.email, _C.username, found.c.first.label("other"))
    )
    rows: Sequence[Row[int, str, str, int]] = (await db.execute(statement)).all()
    return [bound(StagingConflict, row) for row in rows]
