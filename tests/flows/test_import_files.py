"""Files of other systems, made by hand after their public formats: right, or refused with why."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from sqlalchemy import text

from app.flows import import_source, user_import
from app.kit.errors import CannotRead
from app.services import Services
from app.transfer import rows
from app.transfer.columns import AS_IT_IS, Reading
from app.transfer.rows import FileFormat, Problem, Row
from tests.contexts import operator
from tests.imports import FILES, GOOD, HASHER, SALT
from tests.refusals import refused

FLASK_SECURITY = Reading(flask_security_salt=SALT)


async def read(services: Services, name: str, reading: Reading, told: list[Problem]) -> None:
    with ExitStack() as stack:
        if name.endswith(".db"):
            path = str(FILES / name)
            found: Any = stack.enter_context(
                import_source.users_of_file(path, table=None, reading=reading)
            ).rows
        else:
            file = stack.enter_context((FILES / name).open("rb"))
            form = FileFormat.JSONL if ".json" in name else FileFormat.CSV
            found = _each(rows.rows(file, form, lambda _: None, reading))
        async with operator(services) as ctx:
            await user_import.import_users(ctx, rows=found, tell=told.append, reading=reading)


async def _each(found: Iterator[Row | Problem]) -> AsyncIterator[Row | Problem]:
    for row in found:
        yield row


async def imported(services: Services, name: str, reading: Reading = AS_IT_IS) -> list[str]:
    """Bring a file in, return each person: confirmed? blocked? does the password open?"""
    told: list[Problem] = []
    await read(services, name, reading, told)
    assert not told
    async with services.engine.connect() as connection:
        users = await connection.execute(
            text("SELECT username, email, password_hash, confirmed_at, blocked_at FROM users "
                 "ORDER BY username")
        )  # fmt: skip
        return [_person(*row) for row in users]


def _person(username: str, email: str, stored: str | None, *moments: object) -> str:
    words = [username, *(["of " + email] if not email.endswith("@example.com") else [])]
    words += [
        word for word, moment in zip(("confirmed", "blocked"), moments, strict=True) if moment
    ]
    if stored is not None:
        verdict = HASHER.verify_at_once(GOOD, stored)
        assert verdict.is_right
        assert verdict.replacement or stored.startswith("$bcrypt-sha256$v=2")
        assert not HASHER.verify_at_once("five random words", stored).is_right
        words.append("opens")
    return " ".join(words)


REFUSED = [
    ("flask-security.csv", AS_IT_IS, "--flask-security-salt"),
    ("flask-security-3.csv", AS_IT_IS, "--flask-security-salt"),
    ("approval.csv", AS_IT_IS, "--ignore account_status --ignore is_approved"),
    ("approval.csv", Reading(ignored=["is_approved"]), "“account_status”"),
    ("aspnet-identity.csv", AS_IT_IS, "“lockoutenabled”, “lockoutend”"),
    ("wordpress.csv", AS_IT_IS, "“user_activation_key”, “user_status”"),
    ("htpasswd", AS_IT_IS, "must name the columns"),
    ("pg_dump.sql", AS_IT_IS, "SQL dump"),
    ("mysqldump.sql", AS_IT_IS, "SQL dump"),
    ("pg_dump.custom", AS_IT_IS, "with pg_restore"),
    ("people.xlsx", AS_IT_IS, "CSV UTF-8"),
    ("django-dumpdata.json", AS_IT_IS, r"jq -c '.\[\] | select"),
]
TOLD = [
    (
        "flask-security-second-factor.csv",
        FLASK_SECURITY,
        "second factor.* --ignore tf_primary_method --ignore tf_totp_secret",
    ),
    ("windows-1252.csv", AS_IT_IS, "UTF-8 text"),
    ("compact-dates.csv", AS_IT_IS, "“16121209” must be a date and time"),
    (
        "wordpress.csv",
        Reading(ignored=["user_status", "user_activation_key"]),
        "a known kind of password hash",
    ),
]


@pytest.mark.parametrize(("name", "reading", "words"), REFUSED)
async def test_a_file_that_would_come_in_wrong_is_refused(
    services: Services, name: str, reading: Reading, words: str
) -> None:
    with refused(CannotRead, words):
        await read(services, name, reading, [])


@pytest.mark.parametrize(("name", "reading", "words"), TOLD)
async def test_a_line_that_would_come_in_wrong_is_told(
    services: Services, name: str, reading: Reading, words: str
) -> None:
    told: list[Problem] = []
    await read(services, name, reading, told)
    assert len(told) == 1
    assert re.search(words, told[0].sentence)


ANNA, BERT = "anna confirmed opens", "bert opens"
RIGHT: list[tuple[str, Reading, list[str]]] = [
    ("course.db", AS_IT_IS, [ANNA, BERT]),
    ("course-sqlite.csv", AS_IT_IS, [ANNA, BERT]),
    (
        "flask-security.csv",
        FLASK_SECURITY,
        [ANNA, "bert confirmed blocked opens", "cleo opens"],
    ),
    ("flask-security-5-argon2.csv", FLASK_SECURITY, [ANNA, "bert confirmed opens"]),
    (
        "flask-security-second-factor.csv",
        FLASK_SECURITY._replace(ignored=["tf_totp_secret", "tf_primary_method"]),
        [ANNA],
    ),
    ("flask-security-3.csv", FLASK_SECURITY, [ANNA]),
    ("flask-user.csv", AS_IT_IS, [ANNA, BERT, "cleo confirmed blocked opens"]),
    ("fastapi-users.csv", AS_IT_IS, [ANNA, BERT, "cleo confirmed blocked opens"]),
    (
        "django-auth-user.csv",
        AS_IT_IS,
        [ANNA, "bert-b confirmed opens", "cleo confirmed blocked"],
    ),
    ("django-dumpdata.jsonl", AS_IT_IS, [ANNA]),
    ("mysql-outfile.tsv", AS_IT_IS, [ANNA, BERT, "cleo confirmed blocked opens"]),
    ("laravel-phpmyadmin.csv", AS_IT_IS, [ANNA, BERT]),
    ("excel-sep.csv", AS_IT_IS, [ANNA]),
    ("excel-unicode.txt", AS_IT_IS, ["anna confirmed", "bert of bert@bücher.example"]),
    ("mac.csv", AS_IT_IS, ["anna confirmed", "bert confirmed"]),
    ("pandas.csv", AS_IT_IS, ["anna confirmed", "bert"]),
    ("nextauth-prisma.jsonl", AS_IT_IS, ["anna confirmed", "bert"]),
    ("devise.csv", AS_IT_IS, ["anna confirmed", "bert"]),
    ("devise.csv", Reading({"encrypted_password": "password_hash"}), [ANNA, BERT]),
    ("own-export.csv", AS_IT_IS, [ANNA, "bert blocked"]),
    ("moments.jsonl", AS_IT_IS, ["anna confirmed", "bert confirmed"]),
    (
        "forum.csv",
        AS_IT_IS,
        ["anna confirmed", "bert confirmed blocked", "cleo confirmed blocked", "dora"],
    ),
    (
        "approval.csv",
        Reading({"is_approved": "active"}, ["account_status"]),
        ["anna confirmed blocked"],
    ),
]


@pytest.mark.parametrize(("name", "reading", "users"), RIGHT)
async def test_people_of_elsewhere_come_in_as_they_were(
    services: Services, name: str, reading: Reading, users: list[str]
) -> None:
    assert await imported(services, name, reading) == users


async def test_a_moment_is_the_same_in_whatever_form(services: Services) -> None:
    await imported(services, "moments.jsonl")
    async with services.engine.connect() as connection:
        found = await connection.execute(text("SELECT created_at, last_login_at FROM users"))
        anna, bert = [(str(one), str(other)) for one, other in found]
    assert anna == bert == ("2021-01-31 19:21:40+00:00", "2021-01-31 19:21:40.123000+00:00")


def test_every_file_is_tried() -> None:
    tried = {name for name, *_ in (*REFUSED, *TOLD, *RIGHT)}
    assert tried == {path.name for path in FILES.iterdir()}
    assert len(tried) >= 20
