"""What the doctor says of a site's proxy."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from app.config import Config
from app.doctor.findings import Level
from app.doctor.gate import judge
from app.doctor.visits import Answer, NoAnswer, Visit
from app.flows.sites import KnownSite

WIKI = "https://wiki.example.com"
SITE = KnownSite(
    uuid4(), WIKI, "Wiki", "signed-in", "id", enabled=True,
    created_at=datetime(2026, 1, 1, tzinfo=UTC), sessions=0, paths={},
)  # fmt: skip
START = Answer(302, [("Location", "http://127.0.0.1:8000/gate?state=x")], b"")
PAGE = Answer(302, [("Location", f"{WIKI}/.vestibule/start?to=/")], b"")
SOCKET = Answer(401, [], b"")


@pytest.mark.parametrize(
    ("start", "page", "socket", "level", "said"),
    [
        (START, PAGE, SOCKET, Level.OK, "claim to be someone"),
        (START, Answer(401, [], b""), SOCKET, Level.OK, "claim to be someone"),
        (Answer(404, [], b""), PAGE, SOCKET, Level.WRONG, "doesn't hand /.vestibule/"),
        (Answer(302, [("Location", f"{WIKI}/gate?state=x")], b""), PAGE, SOCKET, Level.WRONG,
         "doesn't hand"),
        (START, Answer(200, [], b""), SOCKET, Level.WRONG, "answers a stranger with 200"),
        (START, Answer(500, [], b""), SOCKET, Level.WRONG, "answers a stranger with 500"),
        (START, PAGE, Answer(101, [], b""), Level.WRONG, "WebSocket of a stranger with 101"),
        (START, PAGE, Answer(400, [], b""), Level.WRONG, "WebSocket of a stranger with 400"),
        (START, PAGE, NoAnswer("silence"), Level.WRONG, "WebSocket of a stranger with silence"),
        (START, NoAnswer("no route"), SOCKET, Level.WARNING, "can't be reached from here: no"),
    ],
)  # fmt: skip
def test_what_is_found(
    config: Config, start: Visit, page: Visit, socket: Visit, level: Level, said: str
) -> None:
    finding = judge(SITE, config, start=start, page=page, socket=socket)
    assert finding.level is level
    assert said in finding.says


def test_of_a_public_site_the_first_page_is_anybodys(config: Config) -> None:
    site = SITE._replace(need="public")
    page = Answer(200, [], b"")
    assert judge(site, config, start=START, page=page, socket=page).level is Level.OK
