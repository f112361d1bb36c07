"""What can go wrong at the start is told in one sentence, with what mends it."""

import asyncio
import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
import trustme
from sqlalchemy import URL, make_url

from app import embedded, schema
from app.cli.shared import Deployment, connections_of
from app.complaints import complaint
from app.config import Config
from app.db import connections_allowed
from app.flows import access
from app.kit.urls import asyncpg_url
from tests import databases
from tests.faults.cluster import Cluster, cluster
from tests.mailserver import certificate
from tests.server import environment, free_port
from tests.shell import Shell

pytestmark = pytest.mark.slow

PASSWORD = "canary-of-the-database"
CONFIG = Config.model_validate({"secret_key": "tests-only-9fK2mQ7xR4tB8wZ1cV6nJ3hL"})


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    with cluster(migrated=False) as server:
        server.ask_for_passwords("chief", PASSWORD)
        hba = Path(server.socket).parent / "pg_hba.conf"
        hba.write_text(f"local all plain trust\nlocal all nobody trust\n{hba.read_text()}")
        server._database._pg_ctl("reload")
        server._psql("CREATE ROLE plain LOGIN")
        yield server


def as_role(server: Cluster, role: str, password: str | None = None) -> URL:
    return server.url.set(username=role, password=password)


async def said(url: URL, work: Callable[[URL], object]) -> str:
    """Do something that fails, and return what is complained of: one sentence, no secret."""
    with pytest.raises(Exception, match=r".") as error:
        await asyncio.to_thread(work, url)
    found = complaint(error.value, url)
    assert found is not None, repr(error.value)
    assert "\n" not in found
    assert "canary" not in found
    assert found.startswith(("Can't reach the database: ", "Can't use the database: "))
    return found


def connect(url: URL) -> object:
    return Deployment(CONFIG, url).ask(lambda ctx: connections_allowed(ctx.db))


async def test_a_role_that_may_not_make_tables_is_told_the_grant(server: Cluster) -> None:
    url = as_role(server, "plain")
    assert 'GRANT CREATE ON SCHEMA public TO "plain"' in await said(url, schema.migrate)
    shell = Shell(environment(url))
    line = await asyncio.to_thread(shell.run, "migrate", status=1)
    assert 'GRANT CREATE ON SCHEMA public TO "plain"' in line
    assert len(line.splitlines()) == 1


async def test_a_wrong_password_is_named(server: Cluster) -> None:
    url = as_role(server, "chief", password="canary-wrong")
    found = await said(url, connect)
    assert "rejected the password of “chief”. Check DATABASE_PASSWORD." in found
    assert "%25 %40" in found


async def test_a_role_that_is_not_there_is_named(server: Cluster) -> None:
    assert 'CREATE ROLE "nobody" LOGIN' in await said(as_role(server, "nobody"), connect)
    assert "pg_hba.conf" in await said(as_role(server, "stranger"), connect)


async def test_a_database_that_is_not_there_is_named(server: Cluster) -> None:
    url = as_role(server, "plain").set(database="missing")
    assert 'CREATE DATABASE "missing" OWNER "plain"' in await said(url, connect)


async def test_too_many_connections_are_told(server: Cluster) -> None:
    server._psql("CREATE ROLE narrow LOGIN CONNECTION LIMIT 0")
    hba = Path(server.socket).parent / "pg_hba.conf"
    hba.write_text(f"local all narrow trust\n{hba.read_text()}")
    server._database._pg_ctl("reload")
    assert "has no free connections" in await said(as_role(server, "narrow"), connect)


async def test_missing_tables_are_told(server: Cluster) -> None:
    def count(url: URL) -> object:
        return Deployment(CONFIG, url).ask(access.has_administrator)

    assert "python -m app migrate" in await said(server.url, count)


@contextmanager
def spoilt(statement: str) -> Iterator[URL]:
    with databases.fresh(make_url(os.environ["VESTIBULE_TEST_SERVER"])) as url:
        databases.execute(url, statement.format(name=url.database))
        yield url


async def test_a_database_without_a_schema_is_told() -> None:
    with spoilt("DROP SCHEMA public") as url:
        assert "CREATE SCHEMA public" in await said(url, schema.migrate)


async def test_a_database_that_takes_no_changes_is_told() -> None:
    freeze = "ALTER DATABASE {name} SET default_transaction_read_only = on"
    with spoilt(freeze) as url:
        assert "RESET default_transaction_read_only" in await said(url, schema.migrate)


async def test_a_database_of_another_encoding_is_refused(worker_database: URL) -> None:
    name = f"latin_{os.getpid()}"
    databases.execute(
        worker_database, f"CREATE DATABASE {name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"
    )
    url = worker_database.set(database=name)
    try:
        with pytest.raises(schema.WrongDatabase, match="encoded in LATIN1"):
            await asyncio.to_thread(connections_of, Deployment(CONFIG, url))
        line = await asyncio.to_thread(Shell(environment(url)).run, "migrate", status=1)
    finally:
        databases.execute(worker_database, f"DROP DATABASE {name}")
    assert "ENCODING 'UTF8' TEMPLATE template0" in line
    assert len(line.splitlines()) == 1


async def test_where_nothing_listens_or_no_host_is_it_is_named() -> None:
    port = free_port()
    nowhere = URL.create("postgresql+asyncpg", "u", "canary", "127.0.0.1", port, "d")
    assert f"nothing is listening at 127.0.0.1:{port}" in await said(nowhere, connect)
    assert "host db.invalid not found" in await said(nowhere.set(host="db.invalid"), connect)
    socket = URL.create("postgresql+asyncpg", "u", query={"host": "/nowhere"}, database="d")
    assert "no PostgreSQL socket at /nowhere" in await said(socket, connect)


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(talk: Talk) -> AsyncIterator[int]:
    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def answering(answer: bytes, context: ssl.SSLContext | None = None) -> Talk:
    """Answer a wish for TLS."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(8)
        writer.write(answer)
        if context is not None:
            await writer.start_tls(context)
            await reader.read(1)
        writer.close()

    return talk


async def test_a_server_that_cannot_be_verified_is_told(tmp_path: Path) -> None:
    authority, other = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    other.cert_pem.write_to_path(tmp_path / "other.pem")

    def url(port: int, query: str) -> URL:
        return make_url(asyncpg_url(f"postgresql://u:canary@localhost:{port}/d?{query}"))

    async with listening(answering(b"N")) as port:
        assert "closes the connection" in await said(url(port, "sslmode=require"), connect)
    async with listening(answering(b"S", certificate(authority))) as port:
        wrong = url(port, f"sslrootcert={tmp_path / 'other.pem'}")
        found = await said(wrong, connect)
        assert "isn't trusted" in found
        assert "?sslrootcert=/path/to/ca.pem" in found
        right = url(port, f"sslrootcert={tmp_path / 'ca.pem'}")
        assert "isn't trusted" not in await said(right, connect), "it got that far"


def test_a_file_is_not_mistaken_for_the_database(tmp_path: Path) -> None:
    error = PermissionError(13, "Permission denied", str(tmp_path))
    assert complaint(error, None) == f"{tmp_path}: Permission denied."


@pytest.mark.parametrize("command", [["serve"], ["users", "list"], ["mailer"]])
def test_a_data_dir_that_cannot_be_used_is_named(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "file").touch()
    for data_dir in (tmp_path / "file", tmp_path / "file" / "below"):
        shell = Shell(environment(DATA_DIR=str(data_dir), BIND=f"127.0.0.1:{free_port()}"))
        said = shell.run(*command, status=1)
        assert said.startswith(f"Can't use DATA_DIR={data_dir}: ")
        assert "DATA_DIR=/somewhere/else make run" in said
        assert len(said.splitlines()) == 1


def test_a_private_database_that_does_not_start_says_why() -> None:
    with cluster(migrated=False) as broken:
        broken.stop()
        home = Path(broken.socket).parent
        (home / "PG_VERSION").write_text("11\n")
        with pytest.raises(embedded.NoDatabase, match="initialized by PostgreSQL version 11"):
            broken.start()
        (home / "PG_VERSION").write_text("18\n")
