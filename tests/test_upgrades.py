"""Upgrades of databases with people in them."""

import asyncio
import logging

import pytest
from alembic import command
from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from app import schema
from tests import databases

WRITTEN = {  # by the program before 0006, but for the twin, which somebody wrote by hand
    "plain": ("Anna@Example.com", "anna@example.com"),
    "idn": ("bert@b\u00fccher.example", "bert@b\u00fccher.example"),
    "sharp": ("chef@wei\u00df.example", "chef@weiss.example"),
    "wide": ("\uff44ora@example.com", "dora@example.com"),
    "twin": ("Bert@B\u00fccher.example", "twin"),
}


def run(url: URL, *statements: str) -> list[tuple[str, str]]:
    async def run() -> list[tuple[str, str]]:
        engine = create_async_engine(url, poolclass=NullPool)
        async with engine.begin() as connection:
            for statement in statements:
                found = await connection.execute(text(statement))
            rows = [(str(row[0]), str(row[1])) for row in found] if found.returns_rows else []
        await engine.dispose()
        return rows

    return asyncio.run(run())


def inserted(name: str, email: str, key: str) -> str:
    return (
        "INSERT INTO users (email, email_key, username, username_key, role_id) "  # noqa: S608
        f"SELECT '{email}', '{key}', '{name}', '{name}', id FROM roles WHERE name = 'User'"
    )


def held(name: str, key: str) -> str:
    return (
        "INSERT INTO held_addresses (user_id, email_key) "  # noqa: S608
        f"SELECT id, '{key}' FROM users WHERE username = '{name}'"
    )


def test_addresses_get_their_one_form_and_nobody_stands_in_the_way(
    worker_database: URL, caplog: pytest.LogCaptureFixture
) -> None:
    with databases.fresh(worker_database) as url:
        schema.migrate(url, revision="0005")
        run(url, *(inserted(name, *each) for name, each in WRITTEN.items()),
            held("plain", "anna@example.com"), held("sharp", "chef@weiss.example"),
            held("sharp", "gone@example.com"))  # fmt: skip
        caplog.set_level(logging.WARNING)
        schema.migrate(url)
        assert "is another's: it is found by name" in caplog.text
        keys = dict(run(url, "SELECT username, email_key FROM users"))
        assert keys == {
            "plain": "anna@example.com",
            "idn": "bert@xn--bcher-kva.example",
            "sharp": "chef@xn--wei-7ka.example",
            "wide": "\uff44ora@example.com",
            "twin": "twin",
        }
        assert {key for key, _ in run(url, "SELECT email_key, '' FROM held_addresses")} == {
            "Anna@Example.com", "chef@wei\u00df.example", "gone@example.com"
        }  # fmt: skip
        command.downgrade(schema.alembic_config(url), "0005")
        before = dict(run(url, "SELECT username, email_key FROM users"))
        assert all(before[name] == WRITTEN[name][1] for name in ("plain", "sharp", "wide"))


EVENT = """
INSERT INTO audit_events (event, ip, user_agent, request_id)
VALUES ('letter.refused', '192.0.2.7', 'a browser', 'x'), ('login.failed', '192.0.2.7', 'x', 'y')
"""
EVENTS = "SELECT event, count(*) FROM audit_events GROUP BY event ORDER BY event"
NAMES = """
SELECT conname, 1 FROM pg_constraint
WHERE conname ~ 'devices|throttle|forgotten' AND connamespace = 'public'::regnamespace
UNION ALL SELECT relname, 1 FROM pg_class
WHERE relname ~ 'devices|throttle|forgotten' AND relnamespace = 'public'::regnamespace
"""


def test_what_is_renamed_keeps_its_rows(worker_database: URL) -> None:
    with databases.fresh(worker_database) as url:
        schema.migrate(url, revision="0008")
        assert run(url, EVENT, NAMES)
        schema.migrate(url)
        assert run(url, EVENTS) == [("email.refused", "1"), ("login.failed", "1")]
        assert run(url, NAMES) == []
        command.downgrade(schema.alembic_config(url), "0008")
        assert run(url, EVENTS) == [("letter.refused", "1"), ("login.failed", "1")]
