"""How alembic reaches the database: async, one runner at a time.

``python -m app migrate`` hands the address over; ``alembic upgrade head`` by hand reads the same
settings as the application.
"""

import asyncio
from typing import cast

from alembic import context
from sqlalchemy import URL, Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from app import config, embedded
from app.db import UNPREPARED, database_url
from app.models import Base

MIGRATION_LOCK = 0x56455354  # "VEST": replicas that start at once take turns (L23)
CONNECT_SECONDS = 10
LOCK_TIMEOUT = "3s"


def _url() -> URL:
    given = cast("URL | None", context.config.attributes.get("url"))
    if given is not None:
        return given
    settings = config.load()
    if settings.database_url is not None:
        return database_url(settings)
    return database_url(settings, embedded.running_url(settings.data_dir))


def _migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_type=True,
        compare_server_default=True,
    )
    with context.begin_transaction():
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
        context.run_migrations()


async def _run() -> None:
    engine = create_async_engine(
        _url(), poolclass=NullPool, connect_args={"timeout": CONNECT_SECONDS, **UNPREPARED}
    )
    async with engine.connect() as connection:
        await connection.run_sync(_migrate)
        await connection.commit()
    await engine.dispose()


if context.is_offline_mode():
    raise SystemExit("Migrations need a database: offline mode is not offered.")
asyncio.run(_run())
