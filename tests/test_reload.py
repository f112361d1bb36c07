"""``serve --reload``: who writes pages sees each change without a restart by hand."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL

from tests import databases
from tests.server import Server, environment, serving

pytestmark = pytest.mark.slow

PAGES = """
from quart import Blueprint

from app.extending import anyone

pages = Blueprint("words", __name__)


@pages.get("/words")
@anyone
async def show_words() -> str:
    return "{words}"
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Return the folder of a site of one page."""
    folder = tmp_path / "site_that_changes"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "pages.py").write_text(PAGES.format(words="first"))
    return folder


@pytest.fixture
def server(worker_database: URL, package: Path) -> Iterator[Server]:
    own = {"SITE": package.name, "PYTHONPATH": str(package.parent)}
    with (
        databases.migrated(worker_database) as url,
        serving(environment(url, WORKERS="1", **own), "--reload") as server,
    ):
        yield server


def words_come(server: Server, words: bytes, seconds: float = 30) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if words in server.answer(b"GET /words HTTP/1.1\r\nHost: localhost\r\n\r\n"):
                return True
        except OSError:
            pass  # it restarts
        time.sleep(0.1)
    return False


def test_a_change_is_served_and_a_mistake_is_told_and_mended(server: Server, package: Path) -> None:
    page = package / "pages.py"
    assert words_come(server, b"first")
    page.write_text(PAGES.format(words="second"))
    assert words_come(server, b"second")
    page.write_text(PAGES.format(words="third") + "\nnonsense(")
    assert not words_come(server, b"third", 3)
    assert "pages.py" in server.log.rpartition("Restarting")[2]
    page.write_text(PAGES.format(words="third"))
    assert words_come(server, b"third")
