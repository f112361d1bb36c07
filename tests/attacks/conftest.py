"""Two servers of two workers each on one database, for all attacks."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from sqlalchemy import URL

from tests import databases
from tests.attacks.visitor import Site
from tests.server import environment, serving


@pytest.fixture(scope="package")
def attacked(worker_database: URL) -> Iterator[Site]:
    """Yield the servers; an attack settles people of its own."""
    # One site: cookies are named by the port of its address.
    site = "http://localhost:8000"
    settings = {"WORKERS": "2", "DATABASE_POOL_SIZE": "8", "PUBLIC_URL": site}
    settings["ADMIN_EMAIL"] = "chef@weiss.example"
    with ExitStack() as stack:
        url = stack.enter_context(databases.migrated(worker_database))
        environ = environment(url, **settings)
        servers = [stack.enter_context(serving(environ)) for _ in range(2)]
        yield Site(servers, url)
