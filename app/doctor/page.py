"""What the settings page of administrators shows: the checks that need no visit from outside."""

import asyncio
import os
from collections.abc import Awaitable

from sqlalchemy import URL

from app.config import Config
from app.doctor import configuration, inside, mail
from app.doctor.findings import Finding, wrong

PAGE_SECONDS = 5


async def look(config: Config, url: URL) -> list[Finding]:
    """Return what is found, within some seconds."""
    own = [
        *configuration.settings(None),
        configuration.keys(config, os.environ),
        configuration.passkeys(config),
        *configuration.plain_http(config),
        configuration.brand(config),
        configuration.secret_files(configuration.files_of(config, os.environ)),
    ]
    database, sent = await asyncio.gather(
        _soon("database", inside.look(config, url)), _soon("mail", _mail(config))
    )
    return [*own, *database, *sent]


async def _mail(config: Config) -> list[Finding]:
    return [await mail.look(config, None)]


async def _soon(check: str, looking: Awaitable[list[Finding]]) -> list[Finding]:
    try:
        async with asyncio.timeout(PAGE_SECONDS):
            return await looking
    except TimeoutError:
        return [wrong(check, f"took longer than {PAGE_SECONDS} s")]
