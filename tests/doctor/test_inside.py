"""The deployment from inside: each check once wrong, once right."""

from pathlib import Path

import pytest
from sqlalchemy import URL, text

from app import schema
from app.config import Config, WrongSettings
from app.db import SERVER_SETTINGS, DatabaseServer
from app.doctor import configuration, inside
from app.doctor.findings import Finding, Level, is_well
from app.doctor.inside import Facts
from app.flows.checkup import DatabaseState
from app.models.outbox import Backlog
from app.services import Services
from app.site import Site
from tests.doctor.checks import KEY, LAPTOP, check
from tests.mailers import post
from tests.rows import ROWS, fill
from tests.users import ALICE, ROOT, create_user, move_time

OLD_KEY = "Qm7-xR4tB8wZ1cV6nJ3hL9fK2pYs0dGu"
OURS = {**SERVER_SETTINGS, "server_encoding": "UTF8", "synchronous_commit": "on"}
SERVER = DatabaseServer("17.2", is_primary=True, milliseconds=0.8, ahead_seconds=0.01)
WELL = DatabaseState(
    Backlog(0, 0),
    trouble="",
    given_up=[],
    overdue=[],
    has_administrator=True,
    can_administer=True,
    default_role="User",
)


def site(**more: object) -> Config:
    url = "postgresql://vestibule@postgres/vestibule"
    return Config.model_validate({"secret_key": KEY, "database_url": url, **more})


def test_all_wrong_settings_are_named() -> None:
    found = configuration.settings(
        WrongSettings("WORKERS: must be a whole number\nBIND: is missing")
    )
    assert [finding.says for finding in found] == [
        "WORKERS: must be a whole number", "BIND: is missing",
    ]  # fmt: skip
    assert not is_well(found)
    assert is_well(configuration.settings(None))


def test_an_example_is_no_key() -> None:
    example = site(secret_key="tests-only-9fK2mQ7xR4tB8wZ1cV6nJ3hL")
    check(configuration.keys(example, {}), Level.WRONG, "public example")
    check(configuration.keys(site(), {}), Level.OK, "long, random")


def test_older_keys_are_told() -> None:
    check(
        configuration.keys(site(secret_key_fallbacks=OLD_KEY), {}), Level.WARNING, "30 days after"
    )
    check(
        configuration.keys(site(secret_key_fallbacks=KEY), {}),
        Level.WARNING,
        "is also in SECRET_KEY_FALLBACKS",
    )


def test_a_key_in_the_environment_is_told() -> None:
    check(configuration.keys(site(), {"SECRET_KEY": KEY}), Level.WARNING, "SECRET_KEY_FILE")
    check(configuration.keys(LAPTOP, {"SECRET_KEY": KEY}), Level.OK, "long, random")


@pytest.mark.parametrize(
    ("mode", "level", "words"),
    [
        (0o620, Level.WRONG, "chmod go-w"),
        (0o602, Level.WRONG, "chmod go-w"),
        (0o644, Level.WARNING, "chmod o-r"),
        (0o640, Level.OK, "private"),
        (0o400, Level.OK, "private"),
    ],
)
def test_files_of_secrets_are_closed(tmp_path: Path, mode: int, level: Level, words: str) -> None:
    path = tmp_path / "key"
    path.touch()
    path.chmod(mode)
    check(configuration.secret_files({"SECRET_KEY": path}), level, words)


def test_mounted_secrets_may_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "key"
    path.touch()
    path.chmod(0o444)
    monkeypatch.setattr(configuration, "MOUNTED", str(tmp_path))
    check(configuration.secret_files({"SECRET_KEY": path}), Level.OK, "private")
    check(configuration.secret_files({"SECRET_KEY": tmp_path / "none"}), Level.OK, "private")
    check(configuration.secret_files({}), Level.OK, "none")


def test_the_files_are_those_of_the_settings() -> None:
    environ = {"SMTP_PASSWORD_FILE": "/a", "SITE_NAME_FILE": "/b", "SECRET_KEY_FILE": ""}
    assert configuration.files_of(site(), environ) == {"SMTP_PASSWORD": Path("/a")}
    own = {"SECRET_KEY": Path("var/secret_key")}
    assert configuration.files_of(LAPTOP, {}) == own, "it has read its key by then"
    assert configuration.files_of(LAPTOP, {"SECRET_KEY": KEY}) == {}
    assert configuration.files_of(LAPTOP, {"SECRET_KEY_FILE": "/a"}) == {"SECRET_KEY": Path("/a")}


def test_the_database_is_the_primary_and_near() -> None:
    check(inside.database(SERVER._replace(is_primary=False)), Level.WRONG, "standby")
    check(inside.database(SERVER._replace(milliseconds=80)), Level.WARNING, "80.0 ms")
    check(inside.database(SERVER), Level.OK, "PostgreSQL 17.2")


@pytest.mark.parametrize(
    ("name", "value", "level", "words"),
    [
        ("server_encoding", "LATIN1", Level.WRONG, "is encoded in LATIN1"),
        ("default_transaction_read_only", "on", Level.WRONG, "RESET default_transaction_read_only"),
        ("search_path", "elsewhere", Level.WARNING, 'SET search_path = "$user", public'),
        ("default_transaction_isolation", "serializable", Level.WARNING, "= 'read committed'"),
        ("statement_timeout", "0", Level.WARNING, "ALTER ROLE name SET statement_timeout = '2500'"),
        ("synchronous_commit", "off", Level.WARNING, "a crash can lose"),
        ("synchronous_commit", "remote_apply", Level.OK, "as Vestibule needs"),
        ("TimeZone", "utc", Level.OK, "as Vestibule needs"),
    ],
)
def test_defaults_of_the_database_that_are_not_ours_are_told(
    name: str, value: str, level: Level, words: str
) -> None:
    check(inside.defaults({**OURS, name: value}), level, words)


def test_clocks_agree() -> None:
    check(inside.clock(SERVER._replace(ahead_seconds=6)), Level.WRONG, "6 s behind")
    check(inside.clock(SERVER._replace(ahead_seconds=-90)), Level.WRONG, "90 s ahead of")
    check(inside.clock(SERVER._replace(ahead_seconds=4)), Level.OK, "in sync")


def test_the_schema_is_ours() -> None:
    check(inside.migrations(set(), Site()), Level.WRONG, "no tables yet")
    check(inside.migrations({"0001"}, Site()), Level.WRONG, "out of date")
    check(inside.migrations({"9999"}, Site()), Level.WARNING, "newer")
    check(inside.migrations({str(schema.OURS.head)}, Site()), Level.OK, "up to date")


def test_connections_fit() -> None:
    check(inside.connections(90, site(workers=8, replicas=3)), Level.WRONG, "exceed")
    check(inside.connections(90, site(workers=2)), Level.OK, "(2 × 10 × 1)")
    check(
        inside.connections(9, site(workers=8, database_pooled=True)),
        Level.OK,
        "managed by the pool",
    )


def test_letters_leave() -> None:
    late = WELL._replace(waiting=Backlog(3, 1200))
    check(inside.outbox(late), Level.WRONG, "3 emails waiting, the oldest for 20 minutes")
    check(inside.outbox(WELL._replace(waiting=Backlog(2, 5))), Level.OK, "2 emails waiting")
    check(inside.outbox(WELL), Level.OK, "no emails waiting")


def test_somebody_prunes() -> None:
    late = WELL._replace(overdue=["registrations"])
    check(inside.housekeeping(late), Level.WRONG, "still in registrations")
    check(inside.housekeeping(WELL), Level.OK, "nothing is overdue")


def test_there_is_an_administrator_and_a_default_role() -> None:
    lonely = WELL._replace(has_administrator=False, default_role=None)
    check(inside.administrator(lonely), Level.WARNING, "users create --admin")
    check(inside.administrator(WELL), Level.OK, "at least one can sign in")
    locked = WELL._replace(can_administer=False)
    check(inside.administrator(locked), Level.WARNING, "none can sign in")
    check(inside.role(lonely), Level.WRONG, "no one can register")
    check(inside.role(WELL), Level.OK, "new users get User")


def test_without_tables_nothing_is_said_of_them() -> None:
    found = inside.judge(Facts(SERVER, OURS, 90, frozenset(), None), site(workers=2))
    assert [finding.check for finding in found] == [
        "database", "database's settings", "clock", "migrations", "connections",
    ]  # fmt: skip


async def look(services: Services) -> dict[str, Finding]:
    found = await inside.look(services.config, services.engine.url)
    return {finding.check: finding for finding in found}


async def test_a_house_in_order_is_well(services: Services) -> None:
    await create_user(services, ROOT, role="Administrator")
    found = await look(services)
    assert {finding.level for finding in found.values()} == {Level.OK}
    assert len(found) == 11


async def test_a_house_in_disorder_is_not(services: Services) -> None:
    await post(services)
    await move_time(services, "outbox", "created_at", "11 minutes")
    await create_user(services, ALICE)
    await fill(services, 1, "now() - interval '61 minutes'")
    async with services.engine.begin() as connection:
        for kind in ("expired sessions", "registrations"):
            insert = ROWS[kind][1].format(end="now() - interval '61 minutes'")
            await connection.execute(text(insert))
    found = await look(services)
    assert found["outbox"].level is Level.WRONG
    assert found["administrator"].level is Level.WARNING
    check(found["housekeeping"], Level.WRONG, "login_sessions, registrations, rate_limit_buckets")


async def test_what_expired_just_now_is_not_overdue(services: Services) -> None:
    await fill(services, 1, "now() - interval '59 minutes'")
    assert (await look(services))["housekeeping"].level is Level.OK


async def test_a_database_that_is_away_is_one_line() -> None:
    nowhere = URL.create("postgresql+asyncpg", "nobody", None, "127.0.0.1", 1, "nothing")
    (found,) = await inside.look(LAPTOP, nowhere)
    check(found, Level.WRONG, "Can't reach")


def test_secrets_of_apps_that_cannot_be_read_are_told() -> None:
    check(inside.apps(WELL._replace(unreadable_apps=2)), Level.WRONG, "2 are encrypted under an")
    check(inside.apps(WELL._replace(apps_under_older_keys=3)), Level.WARNING, "factors reseal")
    check(inside.apps(WELL), Level.OK, "under the current key")
