"""No statement reads the whole of a table that grows.

PostgreSQL says how it would run each, in a database with some thousands of rows.
"""

import json
import re
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.models import Base
from app.services import Services
from tests.statements import Examples, Sent, examples, functions, ready, sent_by

CROWD = (Path(__file__).parent / "crowd.sql").read_text()
# Few: what an operator makes by hand; and who is being forgotten just now.
SMALL = {"roles", "deleted_users", "sites", "site_paths", "groups"}
GROWING = {table.name for table in Base.metadata.sorted_tables} - SMALL
ELSEWHERE = {
    "source": "reads the table of another application, whole",
    "staging": "an import compares all whom it brings with all who are there",
    "finding": "the directory calls it, with what it makes of a filter",
}
ALLOWED = {
    "app_secret.count_not_under": "an operator's count of secrets under older keys",
    "user_search.everybody": "an operator's list of all people",
    "export.exported": "an export of all people",
    "export.hash_beginnings": "an operator's count of all hashes",
}
PARTIAL = "SELECT indexrelid::regclass::text FROM pg_index WHERE indpred IS NOT NULL"
# Reading a few thousand rows whole, and sorting them, is cheap; of a million it is not.
AS_IF_LARGER = "SET LOCAL random_page_cost = 1.1", "SET LOCAL enable_sort = off"
AT_LEISURE = "SET LOCAL idle_in_transaction_session_timeout = 0"  # a busy machine takes its time
LIMIT = 100  # at most: one above what the crowd has limits nothing, and plans are then a toss-up
READS_ALL_BELOW = {"Sort", "Aggregate", "Hash", "WindowAgg"}  # whatever the limit above them


class Node(NamedTuple):
    """A step of a plan. ``is_limited``: it ends as soon as there are enough rows."""

    plan: dict[str, Any]
    is_limited: bool

    def fault(self, partial: Collection[str]) -> str | None:
        """Say what is read as a whole. A partial index may be: it is of what is rare."""
        table, kind = self.plan.get("Relation Name"), self.plan["Node Type"]
        index = self.plan.get("Index Name")
        if table not in GROWING:
            return None
        is_bound = self.is_limited or "Index Cond" in self.plan or index in partial
        is_whole = kind == "Seq Scan" or (index is not None and not is_bound)
        return f"{kind} on {table} {index or ''}" if is_whole else None


def walk(plan: dict[str, Any], *, is_limited: bool = False) -> Iterator[Node]:
    kind = plan["Node Type"]
    yield Node(plan, is_limited)
    for each in plan.get("Plans", []):
        yield from walk(
            each, is_limited=kind == "Limit" or (is_limited and kind not in READS_ALL_BELOW)
        )


def limited(statement: str, values: Sequence[Any]) -> tuple[Any, ...]:
    """Return the values with every limit below the number of rows, as it is in a site in use."""
    limits = {int(number) - 1 for number in re.findall(r"LIMIT \$(\d+)", statement)}
    return tuple(
        min(value, LIMIT) if place in limits and value is not None else value
        for place, value in enumerate(values)
    )


async def explain(connection: AsyncConnection, sent: Sent) -> list[Node]:
    statement, values = sent
    if not re.match(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)", statement):
        return []
    found = await connection.exec_driver_sql(
        f"EXPLAIN (FORMAT JSON) {statement}", limited(statement, values)
    )
    plan = found.scalar_one()
    return list(walk((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]))


async def called(
    services: Services, given: Examples, is_wanted: Callable[[str], bool]
) -> AsyncIterator[tuple[str, Collection[Sent]]]:
    for name, function in functions(but=ELSEWHERE):
        if is_wanted(name):
            yield name, await sent_by(services, name, function, given)


async def faults(
    services: Services, is_wanted: Callable[[str], bool] = lambda _: True
) -> list[tuple[str, str]]:
    """Return the functions and their faults, each with the statement."""
    found: list[tuple[str, str]] = []
    given = await examples(services)
    async with services.engine.connect() as connection:
        for setting in (*AS_IF_LARGER, AT_LEISURE):
            await connection.execute(text(setting))
        partial = set(await connection.scalars(text(PARTIAL)))
        for name, sent in [
            *ready(given),
            *[each async for each in called(services, given, is_wanted)],
        ]:
            assert sent, f"{name} sends nothing that could be seen"
            for each in sent:
                said = [node.fault(partial) for node in await explain(connection, each)]
                found += [(name, f"{fault}\n{each[0]}") for fault in said if fault]
    return found


async def run(services: Services, statements: str) -> None:
    async with services.engine.connect() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        await driver.execute("SET statement_timeout = 0", timeout=60)
        await driver.execute(statements, timeout=60)
        await driver.execute("RESET statement_timeout")


@pytest.fixture
async def crowd(services: Services) -> None:
    await run(services, CROWD)
    await run(services, "VACUUM ANALYZE")


@pytest.mark.usefixtures("crowd")
async def test_no_statement_reads_a_growing_table_as_a_whole(services: Services) -> None:
    found = await faults(services)
    wrong = [f"{name}: {fault}" for name, fault in found if name not in ALLOWED]
    assert not wrong, "\n".join(wrong)
    assert {name for name, _ in found} == set(ALLOWED), "an exception that nobody needs"


@pytest.mark.usefixtures("crowd")
async def test_a_missing_index_is_seen(services: Services) -> None:
    await run(services, "DROP INDEX ix_known_browsers_seen_at")
    try:
        found = await faults(services, lambda name: name == "pruning.delete_some")
    finally:
        await run(services, "CREATE INDEX ix_known_browsers_seen_at ON known_browsers (seen_at)")
    assert [fault for _, fault in found if fault.startswith("Seq Scan on known_browsers")]


def test_what_hangs_on_a_row_is_found_by_an_index() -> None:
    """A row that is deleted takes others along; PostgreSQL looks for them by itself."""
    for table in Base.metadata.sorted_tables:
        indexes = [list(index.columns) for index in table.indexes]
        beginnings = {each[0].name for each in [*indexes, list(table.primary_key)] if each}
        for column in table.columns:
            assert not column.foreign_keys or column.name in beginnings, column
