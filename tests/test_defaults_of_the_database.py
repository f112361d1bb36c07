"""The database, its role or its server has other defaults: what we rely on is ours."""

import asyncio
import os
from collections.abc import Iterator

import pytest
from sqlalchemy import URL, make_url

from app import schema
from app.cli.shared import Deployment
from app.config import Config
from app.db import SERVER_SETTINGS
from app.doctor import inside
from app.doctor.findings import Level
from app.flows import access
from app.flows.delivery import deliver_next
from app.mail.message import Posted
from app.services import opened
from tests import databases
from tests.contexts import context
from tests.users import ALICE, BOB, create_user, register, signed_in, who

AT_ONCE = 8  # fewer than there are connections: none waits for one
OTHERS = {
    "default_transaction_isolation": "serializable",
    "default_transaction_deferrable": "on",
    "search_path": "''",
    "standard_conforming_strings": "off",
    "escape_string_warning": "on",
    "bytea_output": "escape",
    "DateStyle": "'SQL, DMY'",
    "IntervalStyle": "sql_standard",
    "TimeZone": "'Pacific/Kiritimati'",
    "client_encoding": "'LATIN1'",
    "row_security": "off",
    "array_nulls": "off",
    "transform_null_equals": "on",
    "quote_all_identifiers": "on",
    "extra_float_digits": "'-15'",
    "plan_cache_mode": "force_generic_plan",
    "statement_timeout": "'1d'",
    "lock_timeout": "'1d'",
}


@pytest.fixture
def settings(settings: dict[str, object]) -> dict[str, object]:
    return settings | {"account_free_failures": 50}


@pytest.fixture(scope="module")
def strange() -> Iterator[URL]:
    """Yield a database whose defaults are all others, migrated under them."""
    with databases.fresh(make_url(os.environ["VESTIBULE_TEST_SERVER"])) as url:
        for name, value in OTHERS.items():
            databases.execute(url, f"ALTER DATABASE {url.database} SET {name} = {value}")
        databases.in_thread(schema.migrate, url)
        yield url


async def test_a_site_works_whatever_the_defaults_are(config: Config, strange: URL) -> None:
    async with opened(config, strange) as services:
        await create_user(services, ALICE, role="Administrator")
        secrets = await asyncio.gather(*(signed_in(services, ALICE) for _ in range(AT_ONCE)))
        assert {await who(services, secret) for secret in secrets} == {"alice"}
        await register(services, BOB)
        sent: list[Posted] = []

        async def send(posted: Posted) -> None:
            sent.append(posted)

        async with context(services) as ctx:
            await deliver_next(ctx, send, retry_days=4)
            found = await schema.defaults(ctx.db)
        assert sent
        ours = {name.lower(): value for name, value in SERVER_SETTINGS.items()}
        lower = {name.lower(): value for name, value in found.items()}
        assert lower == {**lower, **ours}
    assert databases.in_thread(Deployment(config, strange).ask, access.has_administrator)


async def test_through_a_pool_each_transaction_says_its_isolation(config: Config) -> None:
    config = config.model_copy(update={"database_pooled": True})
    with databases.migrated(make_url(os.environ["VESTIBULE_TEST_SERVER"])) as url:
        change = f"ALTER DATABASE {url.database} SET default_transaction_isolation = serializable"
        databases.execute(url, change)
        async with opened(config, url) as services:
            await create_user(services, ALICE)
            secrets = await asyncio.gather(*(signed_in(services, ALICE) for _ in range(AT_ONCE)))
            assert {await who(services, secret) for secret in secrets} == {"alice"}
        found = {each.check: each for each in await inside.look(config, url)}
    told = found["database's settings"]
    assert told.level is Level.WARNING
    assert "SET default_transaction_isolation = 'read committed'" in told.says
