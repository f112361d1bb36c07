"""The access log: one line a request, no key, no query, no forged line (LG-02, LG-03, L8)."""

import logging

import pytest
from quart import Quart

from app.config import Config
from app.http.access_log import shown
from app.kit.metrics import REQUESTS
from app.services import Services
from tests.browser import Browser
from tests.mailbox import last_link
from tests.users import ALICE, register

KEY = "k" * 60


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "app.access")
    return caplog


def accesses(lines: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in lines.records if record.name == "app.access"]


async def test_a_request_is_one_line(app: Quart, lines: pytest.LogCaptureFixture) -> None:
    await app.test_client().get("/login?next=/secret&email=canary")
    (line,) = accesses(lines)
    assert line.startswith("GET /login 200, ")
    assert "canary" not in line


async def test_its_fields_name_client_and_duration(
    app: Quart, lines: pytest.LogCaptureFixture
) -> None:
    scope = {"client": ("192.0.2.50", 1234)}
    await app.test_client().get("/nowhere", scope_base=scope)
    (record,) = [each for each in lines.records if each.name == "app.access"]
    fields = record.__dict__["fields"]
    assert fields.pop("ms") >= 0
    assert fields == {
        "message": "request", "method": "GET", "path": "/nowhere", "status": 404,
        "ip": "192.0.2.50",
    }  # fmt: skip


@pytest.mark.parametrize(
    "path",
    [f"/confirm/{KEY}", f"/invitation/{KEY}", f"/confirm/{KEY}/", f"//confirm/{KEY}", f"/{KEY}"],
)
async def test_no_line_has_a_links_key(
    app: Quart, lines: pytest.LogCaptureFixture, path: str
) -> None:
    await app.test_client().get(path)
    (line,) = accesses(lines)
    assert "kkk" not in line


async def test_a_real_links_line_is_its_pattern(
    browser: Browser, services: Services, lines: pytest.LogCaptureFixture
) -> None:
    await register(services, ALICE)
    link = await last_link(services, ALICE.email)
    await browser.get(link.removeprefix(services.config.public_url))
    assert accesses(lines)[-1].startswith("GET /confirm/<sealed> 303, ")


async def test_health_checks_are_not_logged_unless_they_fail(
    app: Quart, lines: pytest.LogCaptureFixture
) -> None:
    await app.test_client().get("/health/live")
    await app.test_client().get("/health/ready")
    assert accesses(lines) == []
    await app.test_client().post("/health/ready")
    assert accesses(lines)[0].startswith("POST")


async def test_any_method_is_counted_under_few_names(app: Quart) -> None:
    for method in ("BREW", "PROPFIND", "X" * 50):
        await app.test_client().open("/login", method=method, json=None)
    methods = {
        sample.labels["method"] for metric in REQUESTS.collect() for sample in metric.samples
    }
    assert "other" in methods
    assert methods <= {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"}


async def test_routes_are_counted_by_pattern(app: Quart) -> None:
    for number in range(20):
        await app.test_client().get(f"/nowhere/{number}")
        await app.test_client().get(f"/confirm/{KEY}{number}")
    routes = {sample.labels["route"] for metric in REQUESTS.collect() for sample in metric.samples}
    assert "/confirm/<sealed>" in routes
    assert not [route for route in routes if "nowhere" in route or "kkk" in route]


class TestWithoutAccessLog:
    @pytest.fixture
    def config(self, settings: dict[str, object]) -> Config:
        return Config.model_validate(settings | {"access_log": "false"})

    async def test_there_is_none(self, app: Quart, lines: pytest.LogCaptureFixture) -> None:
        await app.test_client().get("/login")
        assert accesses(lines) == []


def test_a_strange_address_is_shown_short() -> None:
    assert shown("/wp-admin/setup.php") == "/wp-admin/setup.php"
    assert shown(f"/a/{'x' * 33}/b") == "/a/.../b"
    assert len(shown("/abc" * 500)) == 80
    assert shown("/\U0001f600\r\n\x1b") == "/????"
