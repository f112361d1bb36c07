"""People who come from elsewhere, and go: refusals first."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any
from unicodedata import normalize

import pytest
from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import create_async_engine
from werkzeug.security import generate_password_hash

from app.flows import login, registration, transfer
from app.flows.transfer import Brought, HashKind
from app.kit.errors import CannotRead, WrongCredentials
from app.kit.hashes import flask_security_form
from app.services import House
from app.transfer.columns import AS_IT_IS, Reading
from app.transfer.parsing import derived_username
from app.transfer.rows import Problem, Row
from tests import databases
from tests.contexts import context, operator
from tests.flows.test_recovery import reset
from tests.kit.test_hashes import made
from tests.mailbox import link_about
from tests.people import ALICE, Someone, count, events, settle, sign_in

OLD = "an old password, kept"
WERKZEUG = generate_password_hash(OLD, "scrypt:1024:8:1")
ANNA = {"email": "anna@example.com", "username": "anna", "password_hash": WERKZEUG}
BERT = {"email": "bert@example.com", "username": "bert", "password_hash": WERKZEUG}


async def rows(people: Iterable[dict[str, Any] | Problem]) -> AsyncIterator[Row | Problem]:
    for line, values in enumerate(people, 2):
        yield values if isinstance(values, Problem) else Row(line, values)


async def bring(
    house: House,
    *people: dict[str, Any] | Problem,
    told: list[Problem] | None = None,
    **how: Any,  # noqa: ANN401 - the flow's own
) -> Brought:
    """Bring people in; what is wrong goes into ``told``."""
    tell = ([] if told is None else told).append
    async with operator(house) as ctx:
        return await transfer.bring_in(ctx, rows=rows(people), tell=tell, **how)


async def look(house: House, columns: str = "username", where: str = "true") -> list[Any]:
    async with house.engine.connect() as connection:
        found = await connection.execute(
            text(f"SELECT {columns} FROM users WHERE {where} ORDER BY created_at, username")  # noqa: S608
        )
        return [row[0] if len(row) == 1 else tuple(row) for row in found]


BAD: list[tuple[dict[str, Any] | Problem, str]] = [
    ({"email": "nonsense"}, "@"),
    ({**ANNA, "username": "anna lena"}, "contains"),
    ({**ANNA, "password_hash": "plain"}, "no hash"),
    ({**ANNA, "role": "Emperor"}, "no role “Emperor”"),
    ({**BERT, "username": "other"}, "line 2"),
    ({**BERT, "email": "BERT@example.com", "username": "other"}, "line 2"),
    ({**ANNA, "username": "Bert"}, "somebody else's, in line 2"),
    ({**ANNA, "username": "ALICE"}, "somebody else's, here"),
    (Problem(9, "", "", "This line is not CSV."), "not CSV"),
]


@pytest.mark.parametrize(("bad", "words"), BAD)
async def test_with_one_problem_nobody_comes_in(
    house: House, bad: dict[str, Any] | Problem, words: str
) -> None:
    await settle(house, ALICE)
    told: list[Problem] = []
    brought = await bring(house, BERT, bad, told=told)
    assert not brought.is_done
    assert brought.problems == len(told) == 1
    assert words in told[0].sentence
    assert await look(house) == ["alice"]


@pytest.mark.parametrize(("bad", "words"), BAD)
async def test_the_good_ones_come_in_if_bad_ones_are_skipped(
    house: House, bad: dict[str, Any] | Problem, words: str
) -> None:
    await settle(house, ALICE)
    told: list[Problem] = []
    brought = await bring(house, BERT, bad, told=told, skip_bad=True)
    assert (brought.people, brought.problems, brought.is_done) == (1, 1, True)
    assert words in told[0].sentence
    assert await look(house, where="username <> 'alice'") == ["bert"]


@pytest.mark.parametrize("people", [[ANNA, BERT], [ANNA, ANNA]])
async def test_a_dry_run_changes_nothing(house: House, people: list[dict[str, Any]]) -> None:
    brought = await bring(house, *people, dry_run=True, skip_bad=True)
    assert not brought.is_done
    assert brought.people + brought.problems == 2
    assert await count(house, "users") == await count(house, "audit_events") == 0


async def test_nobody_is_brought_in_twice_or_changed(house: House) -> None:
    await settle(house, ALICE)
    before = await look(house, "users::text")
    again = {"email": "Alice@EXAMPLE.com", "username": "a", "role": "User"}
    brought = await bring(house, again | {"username": "other", "role": "Administrator"}, ANNA)
    assert (brought.people, brought.present, brought.problems) == (1, 1, 0)
    brought = await bring(house, ANNA, again | {"username": "other"})
    assert (brought.people, brought.present, brought.problems) == (0, 2, 0)
    assert await look(house, "users::text", "username <> 'anna'") == before


async def test_who_is_here_is_known_in_whatever_letters(house: House) -> None:
    await bring(house, {"email": "Anna.Lind@example.com"})
    for email in ("anna.lind@EXAMPLE.com", "ANNA.LIND@example.com"):
        for dry_run in (True, False):
            brought = await bring(house, {"email": email}, dry_run=dry_run)
            assert (brought.people, brought.present) == (0, 1)
    assert await count(house, "users") == 1


async def test_who_is_unconfirmed_cannot_sign_in_until_he_chooses_a_new_password(
    house: House,
) -> None:
    brought = await bring(house, ANNA | {"confirmed": False})
    assert (brought.people, brought.unconfirmed) == (1, 1)
    anna = Someone("anna", "anna@example.com", OLD)
    with pytest.raises(WrongCredentials):
        await sign_in(house, anna, password="wrong")
    waits = await sign_in(house, anna)
    assert isinstance(waits, login.Unconfirmed)
    async with context(house) as ctx:
        await registration.resend(ctx, ticket=waits.ticket)
    link = await link_about(house, anna.email, "Choose a new")
    await reset(house, link, "another long password")
    with pytest.raises(WrongCredentials):
        await sign_in(house, anna)
    outcome = await sign_in(house, anna, password="another long password")
    assert isinstance(outcome, login.SignedIn)


async def test_who_was_blocked_stays_blocked(house: House) -> None:
    await bring(house, ANNA | {"blocked": True})
    with pytest.raises(WrongCredentials):
        await sign_in(house, Someone("anna", "anna@example.com", OLD))


async def test_who_has_no_password_is_counted_and_signs_in_with_none(house: House) -> None:
    brought = await bring(house, ANNA | {"password_hash": "!"}, BERT | {"password_hash": None})
    assert (brought.people, brought.without_password) == (2, 2)
    for password in ("", "!"):
        with pytest.raises(WrongCredentials):
            await sign_in(house, Someone("anna", "anna@example.com", password))


async def test_everyone_leaves_one_line_without_his_name_in_the_book(house: House) -> None:
    await bring(house, ANNA, BERT | {"role": "moderator"})
    assert await events(house) == ["account.imported"] * 2
    async with house.engine.connect() as connection:
        book = await connection.execute(
            text("SELECT subject_id, audit_events::text FROM audit_events")
        )
        lines = {row[0]: row[1] for row in book}
    assert set(lines) == set(await look(house, "id"))
    assert not [line for line in lines.values() if "anna" in line or "bert" in line]
    role = await look(house, "(SELECT name FROM roles WHERE id = role_id)", "username = 'bert'")
    assert role == ["Moderator"]


async def test_user_names_from_addresses_get_the_next_number(house: House) -> None:
    await settle(house, ALICE)
    people = [
        {"email": f"{local}@{host}.example.com"}
        for host in ("one", "two", "three")
        for local in ("alice", "info", "al")
    ]
    brought = await bring(house, *people, {"email": "x@example.com", "username": "info2"})
    assert (brought.people, brought.problems) == (10, 0)
    names = dict(await look(house, "email, username"))
    assert names["alice@one.example.com"] == "alice2"
    assert names["info@one.example.com"] == "info"
    assert {names[f"info@{host}.example.com"] for host in ("two", "three")} == {"info3", "info4"}
    assert names["al@three.example.com"] == "user_al3"


async def test_a_crowd_of_one_name_is_named_in_bounded_steps(house: House) -> None:
    crowd = [{"email": f"info@{number}.example.com"} for number in range(6000)]
    more = [{"email": f"info1@{number}.example.com"} for number in range(200)]
    brought = await bring(house, *crowd, *more)
    assert (brought.people, brought.problems) == (6200, 0)


async def test_a_name_that_somebody_takes_meanwhile_is_a_problem(house: House) -> None:
    told: list[Problem] = []
    brought = await _racing(house, ANNA, "email = 'quick@example.com', email_key = 'quick'", told)
    assert not brought.is_done
    assert told[0].sentence == "The user name “anna” is somebody else's, here."
    assert await look(house) == ["anna"]
    assert await count(house, "audit_events") == 0


async def test_who_registers_meanwhile_is_here_already(house: House) -> None:
    told: list[Problem] = []
    brought = await _racing(house, ANNA, "username = 'quick', username_key = 'quick'", told)
    assert (brought.people, brought.present, told) == (1, 1, [])
    assert sorted(await look(house)) == ["bert", "quick"]


async def _racing(house: House, person: dict[str, Any], quick: str, told: list[Problem]) -> Brought:
    """Bring in ``person`` and Bert while somebody with half of her names registers."""
    async with house.engine.connect() as connection:
        await connection.begin()
        await connection.execute(
            text(
                "INSERT INTO users (email, email_key, username, username_key, role_id) VALUES "
                "('anna@example.com', 'anna@example.com', 'anna', 'anna', 1)"
            )
        )
        await connection.execute(text(f"UPDATE users SET {quick}"))  # noqa: S608
        bringing = asyncio.create_task(bring(house, person, BERT, told=told))
        await _until_somebody_waits(house)
        await connection.commit()
        return await bringing


async def _until_somebody_waits(house: House) -> None:
    waits = text(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
        "AND datname = current_database()"
    )
    for _ in range(500):
        async with house.engine.connect() as connection:  # a transaction sees one moment
            if await connection.scalar(waits):
                return
        await asyncio.sleep(0.01)
    pytest.fail("nobody waits")


async def test_a_source_that_breaks_off_leaves_nothing(house: House) -> None:
    async def broken() -> AsyncIterator[Row | Problem]:
        async for row in rows([ANNA, BERT]):
            yield row
        raise RuntimeError("the power is out")

    async with operator(house) as ctx:
        with pytest.raises(RuntimeError, match="power"):
            await transfer.bring_in(ctx, rows=broken(), tell=print, skip_bad=True)
    assert await count(house, "users") == 0


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
    house: House, url: URL, table: str | None = None, reading: Reading = AS_IT_IS
) -> Brought:
    told: list[Problem] = []
    opened = transfer.people_of(url, table=table, reading=reading)
    async with opened as people, operator(house) as ctx:
        brought = await transfer.bring_in(
            ctx, rows=_any(people.rows), tell=told.append, reading=reading
        )
    assert not told
    return brought


async def _any(people: AsyncIterator[Row]) -> AsyncIterator[Row | Problem]:
    async for row in people:
        yield row


async def test_a_database_that_is_away_or_no_flasks_is_refused(
    house: House, flask_database: URL
) -> None:
    for url in (flask_database.set(port=1), flask_database.set(database="nothing_of_that_name")):
        with pytest.raises(CannotRead, match=r"cannot be reached|refuses"):
            await from_flask(house, url)
    with pytest.raises(CannotRead, match=r"no table “user” or “users”"):
        await from_flask(house, flask_database)
    await run(flask_database, "CREATE TABLE member (id int, name text)")
    with pytest.raises(CannotRead, match=r"no table “member” with a column “email”"):
        await from_flask(house, flask_database, "member")


async def test_a_table_that_may_not_be_read_is_refused(house: House, flask_database: URL) -> None:
    await run(flask_database, "CREATE VIEW users AS SELECT 'a@b.cd' AS email, 1 / 0 AS id")
    with pytest.raises(CannotRead, match="refuses"):
        await from_flask(house, flask_database)


async def test_ten_thousand_people_of_flask_come_in_and_keep_their_passwords(
    house: House, flask_database: URL
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
    brought = await from_flask(house, flask_database)
    assert (brought.people, brought.unconfirmed, brought.is_done) == (10000, 1, True)
    for number in (1, 2, 3):
        someone = Someone(f"p_{number}", f"p{number}@example.com", OLD)
        assert isinstance(await sign_in(house, someone), login.SignedIn)
        assert isinstance(await sign_in(house, someone), login.SignedIn)
    renewed = await look(house, "password_hash", "username IN ('p_1', 'p_2', 'p_3')")
    assert all(found.startswith("$bcrypt-sha256$") for found in renewed)
    async with context(house) as ctx:
        kinds = await transfer.hash_kinds(ctx, rounds=house.config.bcrypt_rounds)
    assert sum(kind.people for kind in kinds if kind.is_old) == 9997
    assert HashKind("bcrypt_sha256, 4 rounds", 3, is_old=False) in kinds
    again = await from_flask(house, flask_database)
    assert (again.people, again.present) == (0, 10000)
    assert await look(house, "username", "role_id = 2 OR confirmed_at IS NULL") == ["p_10", "p_7"]


@pytest.mark.parametrize(
    "columns", ["email text", '"email" text, id uuid DEFAULT gen_random_uuid()']
)
async def test_what_the_table_lacks_is_not_missed(
    house: House, flask_database: URL, columns: str
) -> None:
    await run(
        flask_database, f"CREATE TABLE users ({columns})", "INSERT INTO users VALUES ('eve@b.cd')"
    )
    assert (await from_flask(house, flask_database)).people == 1
    assert await look(house) == [derived_username("eve@b.cd")]


async def test_hashes_are_counted_by_kind(house: House) -> None:
    schemes = ("bcrypt", "django_pbkdf2_sha256", "django_bcrypt", "pbkdf2_sha256", "scrypt")
    people = [
        {"email": f"{scheme}@example.com", "password_hash": made(scheme)} for scheme in schemes
    ]
    await bring(house, *people, {"email": "none@example.com"})
    async with context(house) as ctx:
        kinds = await transfer.hash_kinds(ctx, rounds=4)
    assert sorted((kind.name, kind.people, kind.is_old) for kind in kinds) == [
        ("bcrypt", 1, True),
        ("bcrypt (Django)", 1, True),
        ("pbkdf2 (Django, sha256)", 1, True),
        ("pbkdf2 (passlib, sha256)", 1, True),
        ("scrypt (passlib)", 1, True),
    ]


async def test_who_is_here_is_known_by_each_form_of_an_address(house: House) -> None:
    await bring(house, {"email": "Anna@xn--bcher-kva.example"})
    for email in (
        "anna@b\u00fccher.example",
        "anna@B\u00dcCHER.example",
        "\u200banna@xn--bcher-kva.example",
    ):
        assert (await bring(house, {"email": email})).present == 1
    assert (await bring(house, {"email": "anna@bucher.example"})).people == 1


async def test_an_intranets_address_comes_in_if_it_is_allowed(house: House) -> None:
    told: list[Problem] = []
    await bring(house, {"email": "anna@corp.local"}, told=told)
    assert "ALLOWED_SPECIAL_DOMAINS=corp.local" in told[0].sentence
    allowed = AS_IT_IS._replace(special_domains=["corp.local"])
    assert (await bring(house, {"email": "anna@corp.local"}, reading=allowed)).people == 1


async def test_a_column_of_a_database_that_may_say_who_comes_in_stops_it(
    house: House, flask_database: URL
) -> None:
    await run(
        flask_database,
        'CREATE TABLE users (email text, account_state text, "emailVerified" timestamp)',
        "INSERT INTO users VALUES ('eve@b.cd', 'gone', NULL)",
    )
    with pytest.raises(CannotRead, match="--ignore account_state"):
        await from_flask(house, flask_database)
    reading = AS_IT_IS._replace(ignored=["account_state"])
    brought = await from_flask(house, flask_database, reading=reading)
    assert (brought.people, brought.unconfirmed) == (1, 1)


async def test_hashes_of_flask_security_are_counted_and_open_once_and_for_all(house: House) -> None:
    reading = AS_IT_IS._replace(flask_security_salt="its salt")
    for scheme, password in (("bcrypt", "caf\u00e9 au lait, please"), ("argon2", OLD)):
        hashed = flask_security_form(normalize("NFKD", password), "its salt", made(scheme))
        person = {"email": f"{scheme}@example.com", "password_hash": made(scheme, hashed)}
        await bring(house, person, reading=reading)
        someone = Someone(scheme, f"{scheme}@example.com", password)
        async with context(house) as ctx:
            kinds = await transfer.hash_kinds(ctx, rounds=house.config.bcrypt_rounds)
        assert f"{scheme} (Flask-Security)" in {kind.name for kind in kinds}
        with pytest.raises(WrongCredentials):
            await sign_in(house, someone, password="wrong")
        assert isinstance(await sign_in(house, someone), login.SignedIn)
        assert isinstance(await sign_in(house, someone), login.SignedIn)
