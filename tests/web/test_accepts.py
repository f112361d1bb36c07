"""What a page accepts beside a small form, each of whose fields comes once."""

from io import BytesIO
from typing import Any

import pytest
from quart import Quart, request
from quart.datastructures import FileStorage

from app.http.access import accepts, anyone
from app.http.body import limit_bodies
from tests.browser import SAME_ORIGIN, Browser

MEGABYTE = 2**20


@pytest.fixture
def app(app: Quart) -> Quart:
    """Add some pages."""

    @anyone
    async def plain() -> str:
        return "plain"

    @anyone
    @accepts(repeated=["colour"])
    async def colours() -> str:
        return ",".join((await request.form).getlist("colour"))

    @anyone
    @accepts(uploads=True, body_bytes=MEGABYTE)
    async def picture() -> str:
        file: FileStorage = (await request.files)["picture"]
        return f"{file.filename} {len(file.read())}"

    @anyone
    @accepts(uploads=True)
    async def stamp() -> str:
        return str(len(await request.files))

    @anyone
    @accepts(json=True)
    async def told() -> dict[str, Any]:
        return {"told": await request.get_json()}

    app._got_first_request = False
    for page in (plain, colours, picture, stamp, told):
        app.add_url_rule(f"/{page.__name__}", view_func=page, methods=["POST"])
    limit_bodies(app)
    return app


async def send(browser: Browser, path: str, **body: Any) -> tuple[int, str]:
    headers = SAME_ORIGIN | body.pop("headers", {})
    response = await browser.app.test_client().post(path, headers=headers, **body)
    return response.status_code, await response.get_data(as_text=True)


FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}
TWICE = {"data": "colour=red&colour=blue", "headers": FORM}


def upload(size: int) -> dict[str, Any]:
    return {"files": {"picture": FileStorage(BytesIO(b"x" * size), "cat.png")}}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/plain", TWICE, 400),
        ("/plain", upload(10), 415),
        ("/plain", {"json": {"a": 1}}, 415),
        ("/plain", {"data": "a=" + "x" * 70_000, "headers": FORM}, 413),
        ("/colours", {"data": "colour=red&size=1&size=2", "headers": FORM}, 400),
        ("/colours", {"data": "colour=%00", "headers": FORM}, 400),
        ("/colours", upload(10), 415),
        ("/picture", upload(MEGABYTE + 1), 413),
        ("/stamp", upload(100_000), 413),
        ("/told", TWICE, 400),
        ("/told", {"data": "{", "headers": JSON}, 400),
        ("/told", {"data": "[" * 60_000, "headers": JSON}, 400),
        ("/told", {"data": b'"\xff"', "headers": JSON}, 400),
    ],
)
async def test_what_is_not_marked_is_refused(
    browser: Browser, path: str, body: dict[str, Any], status: int
) -> None:
    assert (await send(browser, path, **body))[0] == status


async def test_what_is_marked_is_taken(browser: Browser) -> None:
    assert await send(browser, "/colours", **TWICE) == (200, "red,blue")
    assert await send(browser, "/picture", **upload(200_000)) == (200, "cat.png 200000")
    status, text = await send(browser, "/told", json={"a": 1})
    assert (status, "".join(text.split())) == (200, '{"told":{"a":1}}')


async def test_a_long_body_that_does_not_say_so_is_refused(browser: Browser) -> None:
    for path in ("/plain", "/colours", "/told"):
        kind = "application/json" if path == "/told" else FORM["Content-Type"]
        headers = SAME_ORIGIN | {"Content-Type": kind}
        async with browser.app.test_client().request(
            path, method="POST", headers=headers
        ) as connection:
            for _ in range(8):
                await connection.send(b"x" * 10_000)
            await connection.send_complete()
        assert (await connection.as_response()).status_code == 413, path


async def test_a_promise_of_too_much_is_refused_before_it_comes(browser: Browser) -> None:
    headers = SAME_ORIGIN | FORM | {"Content-Length": "100000"}
    client = browser.app.test_client()
    async with client.request("/plain", method="POST", headers=headers) as connection:
        pass  # until it is answered
    assert (await connection.as_response()).status_code == 413
