"""``python -m app doctor`` beside real servers, whole and broken ones."""

import asyncio
import json
import ssl
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
import trustme
from sqlalchemy import URL

from tests import databases
from tests.listeners import listening, silent
from tests.mailers import SENDER, plain
from tests.mailserver import certificate, mail_server
from tests.server import ROOT, Server, environment, free_port, local_port, serving

pytestmark = pytest.mark.slow

KEY = "8hGf2-vQ5xZ0rTn7Lw3KsYb9JpCd4MaE"


class Told(NamedTuple):
    status: int
    output: str
    levels: dict[str, str]
    says: dict[str, str]


async def doctor(environ: dict[str, str], *arguments: str) -> Told:
    """Let a doctor look; they never breaks down, and never takes long."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app", "doctor", *arguments,
        cwd=ROOT, env=environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(60):
        output, errors = await process.communicate()
    assert b"Traceback" not in errors, errors.decode()
    assert process.returncode is not None
    text = output.decode()
    found = json.loads(text)["findings"] if "--json" in arguments else []
    return Told(
        process.returncode,
        text,
        {finding["check"]: finding["level"] for finding in found},
        {finding["check"]: finding["says"] for finding in found},
    )


@pytest.fixture(scope="module")
def database(worker_database: URL) -> Iterator[URL]:
    with databases.migrated(worker_database) as url:
        yield url


@pytest.fixture(scope="module")
def server(database: URL) -> Iterator[Server]:
    environ = environment(database, WORKERS="2", SECRET_KEY=KEY)
    with serving(environ) as server:
        yield server


@asynccontextmanager
async def proxy(
    backend: int, port: int, tls: ssl.SSLContext, *, drop: bytes = b""
) -> AsyncIterator[None]:
    """Stand before a server, with TLS; ``drop`` is lost on the way back."""

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        there, back = await asyncio.open_connection("127.0.0.1", backend)
        back.write(head[:-2] + b"X-Forwarded-For: 198.51.100.7\r\n\r\n")
        answer = await there.read()
        writer.write(answer.replace(drop, b"") if drop else answer)
        back.close()
        await back.wait_closed()

    async with listening(pass_on, tls, port):
        yield


async def test_a_server_in_order_is_well(server: Server) -> None:
    told = await doctor(server.environ, "--json")
    assert told.status == 0, told.output
    assert {check for check, level in told.levels.items() if level != "ok"} == {
        "secret key", "administrator", "passkeys",
    }  # fmt: skip
    assert told.says["site"] == f"{server.url} is this deployment (same SECRET_KEY)"
    assert len(told.levels) == 23


async def test_lines_are_for_people(server: Server) -> None:
    told = await doctor(server.environ | {"PYTHONIOENCODING": "utf-8"})
    assert "✓ settings: all valid" in told.output
    assert "! administrator: none yet. Create one: python -m app users create" in told.output
    assert "\x1b" not in told.output
    told = await doctor(server.environ | {"PYTHONIOENCODING": "ascii"})
    assert "ok    settings: " in told.output


async def test_another_key_is_not_us(server: Server) -> None:
    environ = server.environ | {"SECRET_KEY": "Qm7-xR4tB8wZ1cV6nJ3hL9fK2pYs0dGu"}
    told = await doctor(environ, "--json")
    assert told.status == 1
    assert "without our SECRET_KEY" in told.says["site"]


async def test_behind_a_proxy_with_tls(database: URL, tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    port = free_port()
    environ = environment(
        database, WORKERS="2", SECRET_KEY=KEY, PUBLIC_URL=f"https://localhost:{port}",
        TRUSTED_PROXIES="1", SSL_CERT_FILE=str(tmp_path / "ca.pem"),
    )  # fmt: skip
    with serving(environ) as server:
        tls = certificate(authority)
        async with proxy(server.port, port, tls):
            told = await doctor(environ, "--json")
            hidden = await doctor(environ | {"TRUSTED_PROXIES": "0"}, "--json")
        async with proxy(server.port, port, tls, drop=b" Secure;"):
            unsafe = await doctor(environ, "--json")
        async with proxy(server.port, port, certificate(trustme.CA())):
            strange = await doctor(environ, "--json")
    for check in ("site", "certificate", "cookies", "headers", "visitors", "metrics"):
        assert told.levels[check] == "ok", told.says[check]
    assert "198.51.100.7" in told.says["visitors"]
    assert "Set TRUSTED_PROXIES=1" in hidden.says["visitors"]
    assert "without secure" in unsafe.says["cookies"]
    assert "certificate isn't valid" in strange.says["site"]
    assert [each.status for each in (hidden, unsafe, strange)] == [1, 1, 1]


async def test_a_real_email_is_sent_and_its_answer_told(server: Server) -> None:
    async with mail_server() as mail:
        environ = server.environ | {"SMTP_URL": plain(mail), "MAIL_FROM": SENDER}
        told = await doctor(environ, "--json", "--to", "alice@example.com")
        assert "accepted the email (250 OK)" in told.says["mail"], told.says
        assert "example.org's SPF, DKIM and DMARC" in told.says["mail"]
        (message,) = mail.messages
        assert message["To"] == "alice@example.com"

        mail.on_recipient = _refuse
        told = await doctor(environ, "--json", "--to", "alice@example.com")
        assert told.levels["mail"] == "wrong"
        assert "550" in told.says["mail"]
    told = await doctor(environ, "--json", "--to", "alice@example.com")
    assert told.levels["mail"] == "wrong"


async def _refuse(_: str, __: int) -> str:
    return "550 no such user"


async def test_a_mail_server_that_is_not_there_is_named(server: Server) -> None:
    environ = server.environ | {"SMTP_URL": "smtp://mail.example.com", "MAIL_FROM": SENDER}
    told = await doctor(environ, "--json")
    assert (told.status, told.levels["mail"]) == (1, "wrong")
    assert "mail.example.com:587 (STARTTLS) can't be used" in told.says["mail"]


async def test_an_email_without_a_mail_server_is_wrong(server: Server) -> None:
    told = await doctor(server.environ, "--json", "--to", "alice@example.com")
    assert (told.status, told.levels["mail"]) == (1, "wrong")


async def test_a_wrong_address_is_refused(server: Server) -> None:
    assert (await doctor(server.environ, "--to", "nonsense")).status == 2


async def test_wrong_settings_are_all_named(server: Server) -> None:
    told = await doctor(server.environ | {"WORKERS": "many", "TRUSTED_PROXIES": "x"})
    assert told.status == 1
    assert "settings: WORKERS: must be a whole number" in told.output
    assert "settings: TRUSTED_PROXIES: must be a whole number" in told.output


async def test_where_nothing_runs_a_line_says_so(tmp_path: Path) -> None:
    told = await doctor(environment(DATA_DIR=str(tmp_path / "var")), "--json")
    assert told.status == 1
    assert "make run" in told.says["site"]
    assert not (tmp_path / "var").exists()


async def test_where_all_is_dead_there_are_lines() -> None:
    nowhere = URL.create("postgresql", "nobody", None, "127.0.0.1", 1, "nothing")
    environ = environment(nowhere, SECRET_KEY=KEY, BIND=local_port())
    told = await doctor(environ, "--json")
    assert told.status == 1
    assert (told.levels["database"], told.levels["site"]) == ("wrong", "wrong")


async def test_a_database_without_tables_is_told(worker_database: URL) -> None:
    with databases.fresh(worker_database) as url:
        told = await doctor(environment(url, SECRET_KEY=KEY), "--json")
    assert "python -m app migrate" in told.says["migrations"]


async def test_whoever_is_silent_is_not_waited_for() -> None:
    async with listening(silent) as port, asyncio.timeout(40):
        url = URL.create("postgresql", "nobody", None, "127.0.0.1", port, "nothing")
        environ = environment(
            url, SECRET_KEY=KEY, BIND=f"127.0.0.1:{port}",
            SMTP_URL=f"smtp://127.0.0.1:{port}?tls=none", MAIL_FROM=SENDER,
        )  # fmt: skip
        told = await doctor(environ, "--json", "--to", "alice@example.com")
    assert [told.levels[check] for check in ("database", "site", "mail")] == ["wrong"] * 3
