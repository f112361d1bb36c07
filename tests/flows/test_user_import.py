"""People who come from elsewhere, and go: refusals first."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any
from unicodedata import normalize

import pytest
from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import create_async_engine
from werkzeug.security import generate_password_hash

from app.flows import import_source, login, registration, user_export, user_import
from app.flows.user_export import HashKind
from app.flows.user_import import Imported
from app.kit.errors import CannotRead, WrongCredentials
from app.kit.hashes import flask_security_form
from app.services import Services
from app.transfer.columns import AS_IT_IS, Reading
from app.transfer.parsing import derived_username
from app.transfer.rows import Problem, Row
from tests import databases
from tests.contexts import context, operator
from tests.imports import OLD, WERKZEUG, look, made
from tests.mailbox import link_about
from tests.refusals import refused
from tests.resets import reset
from tests.users import ALICE, Someone, count, create_user, events, sign_in

ANNA = {"email": "anna@example.com", "username": "anna", "password_hash": WERKZEUG}
BERT = {"email": "bert@example.com", "username": "bert", "password_hash": WERKZEUG}


async def rows(users: Iterable[dict[str, Any] | Problem]) -> AsyncIterator[Row | Problem]:
    for line, values in enumerate(users, 2):
        yield values if isinstance(values, Problem) else Row(line, values)


async def bring(
    services: Services,
    *users: dict[str, Any] | Problem,
    told: list[Problem] | None = None,
    **how: Any,
) -> Imported:
    """Bring people in; what is wrong goes into ``told``."""
    tell = ([] if told is None else told).append
    async with operator(services) as ctx:
        return await user_import.import_users(ctx, rows=rows(users), tell=tell, **how)


BAD: list[tuple[dict[str, Any] | Problem, str]] = [
    ({"email": "nonsense"}, "@"),
    ({**ANNA, "username": "anna lena"}, "contains"),
    ({**ANNA, "password_hash": "plain"}, "a known kind of password hash"),
    ({**ANNA, "role": "Emperor"}, "The role “Emperor” doesn't exist"),
    ({**BERT, "username": "other"}, "line 2"),
    ({**BERT, "email": "BERT@example.com", "username": "other"}, "line 2"),
    ({**ANNA, "username": "Bert"}, "already taken in line 2"),
    ({**ANNA, "username": "ALICE"}, "already taken here"),
    (Problem(9, "", "", "This line isn't CSV."), "isn't CSV"),
]


@pytest.mark.parametrize(("bad", "words"), BAD)
async def test_with_one_problem_nobody_comes_in(
    services: Services, bad: dict[str, Any] | Problem, words: str
) -> None:
    await create_user(services, ALICE)
    told: list[Problem] = []
    imported = await bring(services, BERT, bad, told=told)
    assert not imported.is_done
    assert imported.problems == len(told) == 1
    assert words in told[0].sentence
    assert await look(services) == ["alice"]


@pytest.mark.parametrize(("bad", "words"), BAD)
async def test_the_good_ones_come_in_if_bad_ones_are_skipped(
    services: Services, bad: dict[str, Any] | Problem, words: str
) -> None:
    await create_user(services, ALICE)
    told: list[Problem] = []
    imported = await bring(services, BERT, bad, told=told, skip_bad=True)
    assert (imported.users, imported.problems, imported.is_done) == (1, 1, True)
    assert words in told[0].sentence
    assert await look(services, where="username <> 'alice'") == ["bert"]


@pytest.mark.parametrize("users", [[ANNA, BERT], [ANNA, ANNA]])
async def test_a_dry_run_changes_nothing(services: Services, users: list[dict[str, Any]]) -> None:
    imported = await bring(services, *users, dry_run=True, skip_bad=True)
    assert not imported.is_done
    assert imported.users + imported.problems == 2
    assert await count(services, "users") == await count(services, "audit_events") == 0


async def test_nobody_is_brought_in_twice_or_changed(services: Services) -> None:
    await create_user(services, ALICE)
    before = await look(services, "users::text")
    again = {"email": "Alice@EXAMPLE.com", "username": "a", "role": "User"}
    imported = await bring(services, again | {"username": "other", "role": "Administrator"}, ANNA)
    assert (imported.users, imported.present, imported.problems) == (1, 1, 0)
    imported = await bring(services, ANNA, again | {"username": "other"})
    assert (imported.users, imported.present, imported.problems) == (0, 2, 0)
    assert await look(services, "users::text", "username <> 'anna'") == before


async def test_who_is_here_is_known_in_whatever_letters(services: Services) -> None:
    await bring(services, {"email": "Anna.Lind@example.com"})
    for email in ("anna.lind@EXAMPLE.com", "ANNA.LIND@example.com"):
        for dry_run in (True, False):
            imported = await bring(services, {"email": email}, dry_run=dry_run)
            assert (imported.users, imported.present) == (0, 1)
    assert await count(services, "users") == 1


async def test_who_is_unconfirmed_cannot_sign_in_until_he_chooses_a_new_password(
    services: Services,
) -> None:
    imported = await bring(services, ANNA | {"confirmed": False})
    assert (imported.users, imported.unconfirmed) == (1, 1)
    anna = Someone("anna", "anna@example.com", OLD)
    with pytest.raises(WrongCredentials):
        await sign_in(services, anna, password="wrong")
    waits = await sign_in(services, anna)
    assert isinstance(waits, login.Unconfirmed)
    async with context(services) as ctx:
        await registration.resend(ctx, ticket=waits.ticket)
    link = await link_about(services, anna.email, "Choose a new")
    await reset(services, link, "another long password")
    with pytest.raises(WrongCredentials):
        await sign_in(services, anna)
    outcome = await sign_in(services, anna, password="another long password")
    assert isinstance(outcome, login.SignedIn)


async def test_who_was_blocked_stays_blocked(services: Services) -> None:
    await bring(services, ANNA | {"blocked": True})
    with pytest.raises(WrongCredentials):
        await sign_in(services, Someone("anna", "anna@example.com", OLD))


async def test_who_has_no_password_is_counted_and_signs_in_with_none(services: Services) -> None:
    imported = await bring(services, ANNA | {"password_hash": "!"}, BERT | {"password_hash": None})
    assert (imported.users, imported.without_password) == (2, 2)
    for password in ("", "!"):
        with pytest.raises(WrongCredentials):
            await sign_in(services, Someone("anna", "anna@example.com", password))


async def test_everyone_leaves_one_line_without_his_name_in_the_book(services: Services) -> None:
    await bring(services, ANNA, BERT | {"role": "moderator"})
    assert await events(services) == ["account.imported"] * 2
    async with services.engine.connect() as connection:
        book = await connection.execute(
            text("SELECT subject_id, audit_events::text FROM audit_events")
        )
        lines = {row[0]: row[1] for row in book}
    assert set(lines) == set(await look(services, "id"))
    assert not [line for line in lines.values() if "anna" in line or "bert" in line]
    role = await look(services, "(SELECT name FROM roles WHERE id = role_id)", "username = 'bert'")
    assert role == ["Moderator"]


async def test_user_names_from_addresses_get_the_next_number(services: Services) -> None:
    await create_user(services, ALICE)
    users = [
        {"email": f"{local}@{host}.example.com"}
        for host in ("one", "two", "three")
        for local in ("alice", "info", "al")
    ]
    imported = await bring(services, *users, {"email": "x@example.com", "username": "info2"})
    assert (imported.users, imported.problems) == (10, 0)
    names = dict(await look(services, "email, username"))
    assert names["alice@one.example.com"] == "alice2"
    assert names["info@one.example.com"] == "info"
    assert {names[f"info@{host}.example.com"] for host in ("two", "three")} == {"info3", "info4"}
    assert names["al@three.example.com"] == "user_al3"


async def test_a_crowd_of_one_name_is_named_in_bounded_steps(services: Services) -> None:
    crowd = [{"email": f"info@{number}.example.com"} for number in range(6000)]
    more = [{"email": f"info1@{number}.example.com"} for number in range(200)]
    imported = await bring(services, *crowd, *more)
    assert (imported.users, imported.problems) == (6200, 0)


async def test_a_name_that_somebody_takes_meanwhile_is_a_problem(services: Services) -> None:
    told: list[Problem] = []
    imported = await _racing(
        services, ANNA, "email = 'quick@example.com', email_key = 'quick'", told
    )
    assert not imported.is_done
    assert told[0].sentence == "The username “anna” is already taken here."
    assert await look(services) == ["anna"]
    assert await count(services, "audit_events") == 0


async def test_who_registers_meanwhile_is_here_already(services: Services) -> None:
    told: list[Problem] = []
    imported = await _racing(services, ANNA, "username = 'quick', username_key = 'quick'", told)
    assert (imported.users, imported.present, told) == (1, 1, [])
    assert sorted(await look(services)) == ["bert", "quick"]


async def _racing(
    services: Services, user: dict[str, Any], quick: str, told: list[Problem]
) -> Imported:
    """Bring in ``user`` and Bert while somebody with half of her names registers."""
    async with services.engine.connect() as connection:
        await connection.begin()
        await connection.execute(
            text(
                "INSERT INTO users (email, email_key, username, username_key, role_id) VALUES "
                "('anna@example.com', 'anna@example.com', 'anna', 'anna', 1)"
            )
        )
        await connection.execute(text(f"UPDATE users SET {quick}"))  # noqa: S608
        bringing = asyncio.create_task(bring(services, user, BERT, told=told))
        await _until_somebody_waits(services)
        await connection.commit()
        return await bringing


async def _until_somebody_waits(services: Services) -> None:
    waits = text(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
        "AND datname = current_database()"
    )
    for _ in range(500):
        async with services.engine.connect() as connection:  # a transaction sees one moment
            if await connection.scalar(waits):
                return
        await asyncio.sleep(0.01)
    pytest.fail("nobody waits")


async def test_a_source_that_breaks_off_leaves_nothing(services: Services) -> None:
    async def broken() -> AsyncIterator[Row | Problem]:
        async for row in rows([ANNA, BERT]):
            yield row
        raise RuntimeError("the power is out")

    async with operator(services) as ctx:
        with pytest.raises(RuntimeError, match="power"):
            await user_import.import_users(ctx, rows=broken(), tell=print, skip_bad=True)
    assert await count(services, "users") == 0


FLASK = (
    "CREATE TABLE roles (id serial PRIMARY KEY, name varchar(64) UNIQUE)",
    "INSERT INTO roles (name) VALUES ('User'), ('Moderator'), ('Administrator')",
    """CREATE TABLE "user" (
        id serial PRIMARY KEY, email varchar(64) UNIQUE, username varchar(64) UNIQUE,
        password_hash varchar(200), confirmed boolean, role_id integer REFERENCES roles (id),
        about_me text
    )""",
)
METHODS = ("pbkdf2:sha256:1000", "scrypt:1024:8:1", "pbkdf2:sha512:1000")


@pytest.fixture
def flask_database(worker_database: URL) -> Iterator[URL]:
    """Yield an empty database, as of a Flask application."""
    with databases.fresh(worker_database) as url:
        yield url


async def run(url: URL, *statements: str) -> None:
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement))
    await engine.dispose()


async def from_flask(
    services: Services, url: URL, table: str | None = None, reading: Reading = AS_IT_IS
) -> Imported:
    told: list[Problem] = []
    opened = import_source.users_of(url, table=table, reading=reading)
    async with opened as users, operator(services) as ctx:
        imported = await user_import.import_users(
            ctx, rows=_any(users.rows), tell=told.append, reading=reading
        )
    assert not told
    return imported


async def _any(users: AsyncIterator[Row]) -> AsyncIterator[Row | Problem]:
    async for row in users:
        yield row


async def test_a_database_that_is_away_or_no_flasks_is_refused(
    services: Services, flask_database: URL
) -> None:
    for url in (flask_database.set(port=1), flask_database.set(database="nothing_of_that_name")):
        with refused(CannotRead, r"Can't reach|reported"):
            await from_flask(services, url)
    with refused(CannotRead, r"no table “user” or “users”"):
        await from_flask(services, flask_database)
    await run(flask_database, "CREATE TABLE member (id int, name text)")
    with refused(CannotRead, r"no table “member” with a column “email”"):
        await from_flask(services, flask_database, "member")


async def test_a_table_that_may_not_be_read_is_refused(
    services: Services, flask_database: URL
) -> None:
    await run(flask_database, "CREATE VIEW users AS SELECT 'a@b.cd' AS email, 1 / 0 AS id")
    with refused(CannotRead, "reported"):
        await from_flask(services, flask_database)


async def test_ten_thousand_people_of_flask_come_in_and_keep_their_passwords(
    services: Services, flask_database: URL
) -> None:
    hashes = [generate_password_hash(OLD, method) for method in METHODS]
    picked = " ".join(f"WHEN {number} THEN '{found}'" for number, found in enumerate(hashes))
    await run(
        flask_database,
        *FLASK,
        'INSERT INTO "user" (email, username, password_hash, confirmed, role_id) '  # noqa: S608
        f"SELECT 'p' || n || '@example.com', 'p_' || n, CASE n % 3 {picked} END, n <> 7, "
        "1 + (n = 10)::int FROM generate_series(1, 10000) n",
    )
    imported = await from_flask(services, flask_database)
    assert (imported.users, imported.unconfirmed, imported.is_done) == (10000, 1, True)
    for number in (1, 2, 3):
        someone = Someone(f"p_{number}", f"p{number}@example.com", OLD)
        assert isinstance(await sign_in(services, someone), login.SignedIn)
        assert isinstance(await sign_in(services, someone), login.SignedIn)
    renewed = await look(services, "password_hash", "username IN ('p_1', 'p_2', 'p_3')")
    assert all(found.startswith("$bcrypt-sha256$") for found in renewed)
    async with context(services) as ctx:
        kinds = await user_export.hash_kinds(ctx, rounds=services.config.bcrypt_rounds)
    assert sum(kind.users for kind in kinds if kind.is_old) == 9997
    assert HashKind("bcrypt_sha256, 4 rounds", 3, is_old=False) in kinds
    again = await from_flask(services, flask_database)
    assert (again.users, again.present) == (0, 10000)
    assert await look(services, "username", "role_id = 2 OR confirmed_at IS NULL") == [
        "p_10",
        "p_7",
    ]


@pytest.mark.parametrize(
    "columns", ["email text", '"email" text, id uuid DEFAULT gen_random_uuid()']
)
async def test_what_the_table_lacks_is_not_missed(
    services: Services, flask_database: URL, columns: str
) -> None:
    await run(
        flask_database, f"CREATE TABLE users ({columns})", "INSERT INTO users VALUES ('eve@b.cd')"
    )
    assert (await from_flask(services, flask_database)).users == 1
    assert await look(services) == [derived_username("eve@b.cd")]


async def test_hashes_are_counted_by_kind(services: Services) -> None:
    schemes = ("bcrypt", "django_pbkdf2_sha256", "django_bcrypt", "pbkdf2_sha256", "scrypt")
    users = [
        {"email": f"{scheme}@example.com", "password_hash": made(scheme)} for scheme in schemes
    ]
    await bring(services, *users, {"email": "none@example.com"})
    async with context(services) as ctx:
        kinds = await user_export.hash_kinds(ctx, rounds=4)
    assert sorted((kind.name, kind.users, kind.is_old) for kind in kinds) == [
        ("bcrypt", 1, True),
        ("bcrypt (Django)", 1, True),
        ("pbkdf2 (Django, sha256)", 1, True),
        ("pbkdf2 (passlib, sha256)", 1, True),
        ("scrypt (passlib)", 1, True),
    ]


async def test_who_is_here_is_known_by_each_form_of_an_address(services: Services) -> None:
    await bring(services, {"email": "Anna@xn--bcher-kva.example"})
    for email in (
        "anna@b\u00fccher.example",
        "anna@B\u00dcCHER.example",
        "\u200banna@xn--bcher-kva.example",
    ):
        assert (await bring(services, {"email": email})).present == 1
    assert (await bring(services, {"email": "anna@bucher.example"})).users == 1


async def test_an_intranets_address_comes_in_if_it_is_allowed(services: Services) -> None:
    told: list[Problem] = []
    await bring(services, {"email": "anna@corp.local"}, told=told)
    assert "ALLOWED_SPECIAL_DOMAINS=corp.local" in told[0].sentence
    allowed = AS_IT_IS._replace(special_domains=["corp.local"])
    assert (await bring(services, {"email": "anna@corp.local"}, reading=allowed)).users == 1


async def test_a_column_of_a_database_that_may_say_who_comes_in_stops_it(
    services: Services, flask_database: URL
) -> None:
    await run(
        flask_database,
        'CREATE TABLE users (email text, account_state text, "emailVerified" timestamp)',
        "INSERT INTO users VALUES ('eve@b.cd', 'gone', NULL)",
    )
    with refused(CannotRead, "--ignore account_state"):
        await from_flask(services, flask_database)
    reading = AS_IT_IS._replace(ignored=["account_state"])
    imported = await from_flask(services, flask_database, reading=reading)
    assert (imported.users, imported.unconfirmed) == (1, 1)


async def test_hashes_of_flask_security_are_counted_and_open_once_and_for_all(
    services: Services,
) -> None:
    reading = AS_IT_IS._replace(flask_security_salt="its salt")
    for scheme, password in (("bcrypt", "caf\u00e9 au lait, please"), ("argon2", OLD)):
        hashed = flask_security_form(normalize("NFKD", password), "its salt", made(scheme))
        user = {"email": f"{scheme}@example.com", "password_hash": made(scheme, hashed)}
        await bring(services, user, reading=reading)
        someone = Someone(scheme, f"{scheme}@example.com", password)
        async with context(services) as ctx:
            kinds = await user_export.hash_kinds(ctx, rounds=services.config.bcrypt_rounds)
        assert f"{scheme} (Flask-Security)" in {kind.name for kind in kinds}
        with pytest.raises(WrongCredentials):
            await sign_in(services, someone, password="wrong")
        assert isinstance(await sign_in(services, someone), login.SignedIn)
        assert isinstance(await sign_in(services, someone), login.SignedIn)
