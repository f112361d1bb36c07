"""How alembic reaches the database: async, one runner at a time.

``python -m app migrate`` hands the address over; ``alembic upgrade head`` by hand reads the same
settings as the application.
"""

import asyncio
from typing import cast

from alembic import context
from sqlalchemy import URL, Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from app import config, embedded
from app.db import ISOLATION, SERVER_SETTINGS, UNPREPARED, database_url
from app.models import Base

MIGRATION_LOCK = 0x56455354  # "VEST": replicas that start at once take turns (L23)
CONNECT_SECONDS = 10
TURN_SECONDS = 0.2
# Of each transaction here, whatever the database or the role has as a default.
SETTINGS = {
    "lock_timeout": "3s",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    **{name: SERVER_SETTINGS[name] for name in ("search_path", "standard_conforming_strings")},
}


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
        for name, value in SETTINGS.items():
            connection.execute(
                text("SELECT set_config(:name, :value, true)"), {"name": name, "value": value}
            )
        context.run_migrations()


async def _take_turn(turn: AsyncConnection) -> None:
    """Be the only one who migrates, until this connection's transaction ends.

    On a connection of its own, for indexes are built outside of any transaction; and by asking
    again, for who waits inside a statement would be waited for by those that build.
    """
    asked = text("SELECT pg_try_advisory_xact_lock(:key)")
    while not await turn.scalar(asked, {"key": MIGRATION_LOCK}):
        await turn.rollback()
        await asyncio.sleep(TURN_SECONDS)
    await turn.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))


async def _run() -> None:
    engine = create_async_engine(
        _url(),
        poolclass=NullPool,
        isolation_level=ISOLATION.upper(),
        connect_args={"timeout": CONNECT_SECONDS, **UNPREPARED},
    )
    async with engine.connect() as turn, engine.connect() as connection:
        await _take_turn(turn)
        await connection.run_sync(_migrate)
        await connection.commit()
    await engine.dispose()


if context.is_offline_mode():
    raise SystemExit("Migrations need a database: offline mode is not offered.")
asyncio.run(_run())
