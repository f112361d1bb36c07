"""Moving in and out: people from another application, and the people of this one."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import uuid4

from sqlalchemy import URL, Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from app.context import Context
from app.db import is_away, make_engine
from app.kit import hashes, totp
from app.kit.addresses import USERNAME_LONGEST
from app.kit.encryption import seal
from app.kit.errors import CannotRead
from app.kit.totp import AppSecret
from app.models import audit, export, role, source, staging
from app.models.audit import Event
from app.models.export import Exported
from app.models.source import Found
from app.models.staging import StagingConflict
from app.steps import factor_check
from app.transfer.columns import AS_IT_IS, Reading
from app.transfer.parsing import StagedUser, read
from app.transfer.rows import Problem, Row

__all__ = [
    "Exported",
    "HashKind",
    "Imported",
    "People",
    "exported",
    "hash_kinds",
    "import_users",
    "users_of",
    "users_of_file",
]

AT_ONCE = 5000
FIRST_LINE = -(2**63)
FIRST_NUMBER = 2
HINT = "Put the key that it was encrypted under into SECRET_KEY_FALLBACKS."
READ_ONLY = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}

Rows = AsyncIterator[Row | Problem]
Tell = Callable[[Problem], object]


class Imported(NamedTuple):
    """What became of an import; ``is_done``: it is written down.

    ``users`` are new, ``present`` were here already and stay as they are.
    """

    users: int
    present: int
    problems: int
    unconfirmed: int
    without_password: int
    is_done: bool


class HashKind(NamedTuple):
    """A kind of hash, and how many people have one. An old one is renewed at their next login."""

    name: str
    users: int
    is_old: bool


class People(NamedTuple):
    """The people of another application's database: how many, and each of them once."""

    number: int
    rows: AsyncIterator[Row]
    columns: Sequence[str]


class _Problems:
    """Counts what is told."""

    def __init__(self, tell: Tell) -> None:
        self.number = 0
        self._tell = tell

    def add(self, problem: Problem) -> None:
        self.number += 1
        self._tell(problem)


async def import_users(
    ctx: Context,
    *,
    rows: Rows,
    tell: Tell,
    dry_run: bool = False,
    skip_bad: bool = False,
    reading: Reading = AS_IT_IS,
) -> Imported:
    """Make accounts of people from elsewhere, in one transaction.

    All of them, or with ``skip_bad`` all but those with a problem, or with ``dry_run`` nobody.
    ``tell`` hears of each problem. Users who are here already, by their address, stay as they
    are. The table of users is only read until all is looked at, and written for a few seconds at
    the end.

    Returns:
        What became of it. Nothing is written if there was a problem and ``skip_bad`` is not given.

    Raises:
        CannotRead: the columns may mean something for safety that is not read.
    """
    problems = _Problems(tell)
    async with ctx.db.begin():
        await staging.prepare(ctx.db)
        await _collect(ctx, rows, problems, reading)
        present = await _compare(ctx, problems)
        is_done = not dry_run and (skip_bad or not problems.number)
        if is_done:
            late, is_done = await _admit(ctx, problems, skip_bad=skip_bad)
            present += late
        kept = await staging.kept(ctx.db)
    return Imported(present=present, problems=problems.number, is_done=is_done, **kept._asdict())


@asynccontextmanager
async def users_of(
    url: URL, *, table: str | None, reading: Reading = AS_IT_IS
) -> AsyncIterator[People]:
    """Open the database of a Flask application, to read its people as of now.

    Raises:
        CannotRead: it is away, or there is no such table, or it may not be read, or its columns
            may mean something for safety that is not read; also later, by the rows.
    """
    engine = make_engine(url, pool_size=1, overflow=0, pooled=True, command_seconds=None)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(engine.dispose)
        with _refusals():
            connection = await stack.enter_async_context(engine.connect())
            await connection.execution_options(**READ_ONLY)
            await source.lift_limits(connection)
            found = await connection.run_sync(source.find, table, reading)
            found = _understood(found, table, reading)
            count = await connection.run_sync(source.count, found)
        yield People(count, _users(connection, found), found.all_columns)


@contextmanager
def users_of_file(path: str, *, table: str | None, reading: Reading = AS_IT_IS) -> Iterator[People]:
    """Open a file of SQLite, as ``users_of`` opens a database.

    Raises:
        CannotRead: as there.
    """
    with ExitStack() as stack:
        with _refusals():
            connection = stack.enter_context(source.opened_file(path))
            found = _understood(source.find(connection, table, reading), table, reading)
            count = source.count(connection, found)
        yield People(count, _users_now(connection, found), found.all_columns)


async def exported(ctx: Context) -> AsyncIterator[Exported]:
    """Return all people, with their hashes, the newest last, as of one moment."""
    async with ctx.db.begin():
        await export.lift_limits(ctx.db)
        async for user, stored in export.exported(ctx.db):
            app = stored and factor_check.opened(ctx.config, stored)
            if stored and not app:
                raise CannotRead(f"The authenticator app of {user.username} can't be read. {HINT}")
            site = ctx.config.site_name
            yield user._replace(
                otpauth=totp.address(app, site=site, username=user.username) if app else None
            )


async def hash_kinds(ctx: Context, *, rounds: int) -> list[HashKind]:
    """Return the kinds of hashes that people have, the most frequent first."""
    async with ctx.db.begin():
        beginnings = await export.hash_beginnings(ctx.db)
    users: Counter[tuple[str, bool]] = Counter()
    for beginning, number in beginnings:
        users[_kind(beginning, rounds)] += number
    return [HashKind(name, number, is_old) for (name, is_old), number in users.most_common()]


def _kind(beginning: str, rounds: int) -> tuple[str, bool]:
    found = hashes.kind_of(beginning)
    if found is None:
        return "unknown", True
    if found.name != hashes.OWN:
        return found.name, True
    cost = beginning.rpartition("r=")[2]
    return f"{found.name}, {cost} rounds", cost != str(rounds)


async def _users(connection: AsyncConnection, found: Found) -> AsyncIterator[Row]:
    with _refusals():
        async for row in source.rows(connection, found):
            yield row


async def _users_now(connection: Connection, found: Found) -> AsyncIterator[Row]:
    with _refusals():
        for row in source.rows_now(connection, found):
            yield row


def _understood(found: Found | None, table: str | None, reading: Reading) -> Found:
    if found is None:
        wanted = f"“{table}”" if table else "“user” or “users”"
        raise CannotRead(
            f"This database has no table {wanted} with a column “email”. "
            "To use another table, add --table."
        )
    reading.check({column.lower() for column in found.all_columns})
    return found


@contextmanager
def _refusals() -> Iterator[None]:
    """Make refusals of what the other application's database does not let us do."""
    try:
        yield
    except DBAPIError as error:
        raise CannotRead(f"The source database reported: {error.orig}") from error
    except Exception as error:
        if not is_away(error):
            raise
        name = type(error).__name__
        raise CannotRead(f"Can't reach the source database ({name}).") from error


async def _collect(ctx: Context, rows: Rows, problems: _Problems, reading: Reading) -> None:
    now = datetime.now(UTC)
    roles = {name.lower(): await role.find_id(ctx.db, name) for name in await role.names(ctx.db)}
    default = await role.default_id(ctx.db)
    batch: list[Sequence[object]] = []
    columns: Collection[str] = ()
    async for row in rows:
        if isinstance(row, Row) and row.values.keys() != columns:
            columns = row.values.keys()
            reading.check(columns)
        found = [row] if isinstance(row, Problem) else read(row, now=now, reading=reading)
        if isinstance(found, StagedUser) and found.role and found.role.lower() not in roles:
            found = [_unknown_role(found)]
        if not isinstance(found, StagedUser):
            for problem in found:
                problems.add(problem)
            continue
        role_id = roles[found.role.lower()] if found.role else default
        values = {**found._asdict(), "role_id": role_id, **_sealed(ctx, found.app)}
        batch.append([values[column] for column in staging.COLUMNS])
        if len(batch) == AT_ONCE:
            await staging.put(ctx.db, batch)
            batch = []
    await staging.put(ctx.db, batch)


def _sealed(ctx: Context, app: AppSecret | None) -> dict[str, object]:
    """Return what is kept of an app: never its secret as it came."""
    if app is None:
        return dict.fromkeys(staging.APP_COLUMNS)
    row_id = uuid4()
    sealed = seal(ctx.config.signing_keys, app.secret, row_id=row_id)
    values = (row_id, sealed, app.algorithm, app.digits, app.period)
    return dict(zip(staging.APP_COLUMNS, values, strict=True))


def _unknown_role(user: StagedUser) -> Problem:
    return Problem(
        user.line, user.email, "role", f"The role “{user.role}” doesn't exist. Create it first."
    )


async def _compare(ctx: Context, problems: _Problems) -> int:
    """Compare the staged users with each other and with who is here; return how many are here."""
    await staging.index(ctx.db)
    present = await staging.drop_present(ctx.db)
    for twin in await staging.drop_twins(ctx.db):
        sentence = f"This email address is already in line {twin.other}."
        problems.add(Problem(twin.line, twin.email, "email", sentence))
    for refused in await staging.drop_taken_names(ctx.db):
        problems.add(_name_taken(refused))
    await _find_names(ctx)
    return present


def _name_taken(refused: StagingConflict) -> Problem:
    where = "here" if refused.other is None else f"in line {refused.other}"
    sentence = f"The username “{refused.username}” is already taken {where}."
    return Problem(refused.line, refused.email, "username", sentence)


async def _find_names(ctx: Context) -> None:
    """Give who has none a username, with the next number where the plain one is taken."""
    await staging.unname(ctx.db)
    numbers: Counter[str] = Counter()
    while nameless := await staging.nameless(ctx.db, most=AT_ONCE):
        wanted: dict[int, str] = {}
        for line, base in nameless:
            numbers[base.casefold()] += 1
            number = str(numbers[base.casefold()] + FIRST_NUMBER - 1)
            wanted[line] = base[: USERNAME_LONGEST - len(number)] + number
        taken = await staging.taken_names(ctx.db, list(wanted.values()))
        free: dict[str, tuple[int, str]] = {}
        for line, name in wanted.items():
            if name.casefold() not in taken:
                free.setdefault(name.casefold(), (line, name))
        if free:
            await staging.give_names(ctx.db, dict(free.values()))


async def _admit(ctx: Context, problems: _Problems, *, skip_bad: bool) -> tuple[int, bool]:
    """Write the staged users down.

    Returns:
        How many the site was faster with, and whether it stays written: a username that somebody
        took meanwhile is a problem like any other.
    """
    async with ctx.db.begin_nested() as savepoint:
        line: int | None = FIRST_LINE
        while line is not None:
            line, admitted = await staging.admit(ctx.db, after=line, most=AT_ONCE)
            await audit.write_for_all(
                ctx.db, Event.IMPORTED, client=ctx.client, subject_ids=admitted
            )
        late, gone = await staging.drop_late(ctx.db)
        for refused in gone:
            problems.add(_name_taken(refused))
        is_done = skip_bad or not gone
        if not is_done:
            await savepoint.rollback()
    return late, is_done
