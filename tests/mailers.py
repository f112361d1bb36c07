"""Postmen at work, in this process or in one of their own, and looking over their shoulder."""

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO, Any

from pydantic import SecretStr
from sqlalchemy import text

from app.config import Config
from app.mail.message import Message
from app.models import outbox
from app.runtime import background
from app.services import Services
from tests.mailserver import MailServer
from tests.server import ROOT

SENDER = "Käthe’s Site <login@example.org>"
LETTER = Message("alice@example.com", "Hello", "This is the text.\n", "<p>This is the page.</p>\n")


async def post(services: Services, message: Message = LETTER, *more: Message) -> None:
    """Lay emails into the outbox."""
    async with services.session() as session, session.begin():
        for one in (message, *more):
            await outbox.put(session, one)


def with_mail(config: Config, url: str | None, **settings: object) -> Config:
    """Return settings that send emails to a mail server."""
    given = {"smtp_url": url and SecretStr(url), "mail_from": SENDER, **settings}
    return config.model_copy(update=given)


def plain(server: MailServer) -> str:
    """Return the address of a mail server without TLS."""
    return f"smtp://127.0.0.1:{server.port}?tls=none"


@asynccontextmanager
async def working(services: Services, url: str | None, **settings: object) -> AsyncIterator[None]:
    """Have the mailer and housekeeping at work, and stop them at the end."""
    stop = asyncio.Event()
    config = with_mail(services.config, url, **settings)
    task = asyncio.create_task(background.work(config, services.engine.url, stop))
    try:
        yield
    finally:
        stop.set()
        async with asyncio.timeout(15):
            await task


@contextmanager
def process(environ: dict[str, str]) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    """Have the mailer at work in a process of its own; yield it and the file with its log."""
    with tempfile.NamedTemporaryFile(suffix=".log") as output:
        process = start(environ, output)
        try:
            yield process, output
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


def start(environ: dict[str, str], output: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start ``python -m app mailer``."""
    return subprocess.Popen(
        [sys.executable, "-m", "app", "mailer"],
        cwd=ROOT, env=environ, stdout=output, stderr=output,
    )  # fmt: skip


async def until(condition: Callable[[], object], *, seconds: float = 20) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - it may be about another process
            await asyncio.sleep(0.01)


async def settled(
    services: Services, number: int = 1, *, seconds: float = 20
) -> list[dict[str, Any]]:
    """Wait until so many emails are sent or given up, and return all rows, the oldest first."""
    async with asyncio.timeout(seconds):
        while True:
            rows = await outbox_rows(services)
            if sum(bool(row["sent_at"] or row["gave_up_at"]) for row in rows) >= number:
                return rows
            await asyncio.sleep(0.01)


async def outbox_rows(services: Services) -> list[dict[str, Any]]:
    """Return all rows of the outbox, the oldest first."""
    async with services.engine.connect() as connection:
        found = await connection.execute(text("SELECT * FROM outbox ORDER BY created_at, id"))
        return [dict(row) for row in found.mappings()]


async def tried(services: Services, number: int = 1, *, seconds: float = 20) -> dict[str, Any]:
    """Wait until the only email was tried so often and put back, and return its row."""
    async with asyncio.timeout(seconds):
        while True:
            (row,) = await outbox_rows(services)
            if row["tries"] >= number and row["trouble"]:
                return row
            await asyncio.sleep(0.01)


def said(output: IO[bytes]) -> str:
    """Return the log of a process so far."""
    return Path(output.name).read_text(errors="replace")
