"""Moving in: people from another application."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import uuid4

from app.context import Context
from app.kit.addresses import USERNAME_LONGEST
from app.kit.audit import Event
from app.kit.encryption import seal
from app.kit.totp import AppSecret
from app.models import audit, role, staging
from app.transfer.columns import AS_IT_IS, Reading
from app.transfer.parsing import StagedUser, read
from app.transfer.problems import email_twice, unknown_role, username_taken
from app.transfer.rows import Problem, Row

AT_ONCE = 5000
FIRST_LINE = -(2**63)
FIRST_NUMBER = 2

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
            found = [unknown_role(found)]
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


async def _compare(ctx: Context, problems: _Problems) -> int:
    """Compare the staged users with each other and with who is here; return how many are here."""
    await staging.index(ctx.db)
    present = await staging.drop_present(ctx.db)
    for twin in await staging.drop_twins(ctx.db):
        problems.add(email_twice(**twin._asdict()))
    for refused in await staging.drop_taken_names(ctx.db):
        problems.add(username_taken(**refused._asdict()))
    await _find_names(ctx)
    return present


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
            problems.add(username_taken(**refused._asdict()))
        is_done = skip_bad or not gone
        if not is_done:
            await savepoint.rollback()
    return late, is_done
