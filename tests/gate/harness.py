"""An application behind the gate, seen by a proxy that asks us in process."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from quart import Quart, Response

from app.flows import groups, sites
from app.services import EXTENSION, Services
from app.testing import Browser
from tests.contexts import operator
from tests.users import Someone

WIKI, SHOP = "http://wiki.localhost:8100", "http://shop.localhost:8100"
NAMES = ("Remote-User", "Remote-Email", "Remote-Name", "Remote-Groups")
HTML = {"Accept": "text/html"}


def services_of(app: Quart) -> Services:
    found: Services = app.extensions[EXTENSION]
    return found


async def add_site(services: Services, origin: str = WIKI, **given: str) -> None:
    async with operator(services) as ctx:
        given = {"name": "Wiki", "need": "signed-in", "identity": "username"} | given
        await sites.add(ctx, origin=origin, **given)


async def add_rule(services: Services, prefix: str, need: str, *, site: str = WIKI) -> None:
    async with operator(services) as ctx:
        await sites.set_rule(ctx, site=site, prefix=prefix, need=need)


async def join(services: Services, someone: Someone, name: str) -> None:
    """Put somebody into a group, which is made if it is not there."""
    async with operator(services) as ctx:
        if name not in {each.name for each in await groups.everything(ctx)}:
            await groups.create(ctx, name=name)
        await groups.add_user(ctx, name=name, user=someone.username)


def forwarded(url: str, method: str = "GET") -> dict[str, str]:
    """Return what Caddy says of a request."""
    parts = urlsplit(url)
    target = url.removeprefix(f"{parts.scheme}://{parts.netloc}")
    return {
        "X-Forwarded-Method": method,
        "X-Forwarded-Proto": parts.scheme,
        "X-Forwarded-Host": parts.netloc,
        "X-Forwarded-Uri": target,
    }


def original(url: str, method: str = "GET") -> dict[str, str]:
    """Return what nginx says of a request."""
    return {"X-Original-URL": url, "X-Original-Method": method}


async def check(
    app: Quart, headers: Mapping[str, str], *, path: str = "/gate/check", **scope: Any
) -> Response:
    """Ask as a proxy does, which hands the browser's headers on."""
    peer = {"client": ("127.0.0.1", 4711)} | scope
    client = app.test_client(use_cookies=False)
    return await client.get(path, headers=dict(headers), scope_base=peer)


class Application:
    """The browser's view of a guarded site: it keeps the cookies of that host."""

    def __init__(self, browser: Browser, origin: str = WIKI) -> None:
        self.browser = browser
        self.app = browser.app
        self.origin = origin
        self.jar: dict[str, str] = {}

    @property
    def cookies(self) -> dict[str, str]:
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self.jar.items())}

    @property
    def cookie(self) -> str:
        """The secret of the session here."""
        return next(value for name, value in self.jar.items() if name.endswith("-gate"))

    async def ask(self, path: str = "/", method: str = "GET", **more: str) -> Response:
        """Ask about a request of this browser."""
        headers = {name.replace("_", "-"): value for name, value in more.items()}
        return await check(self.app, forwarded(self.origin + path, method) | self.cookies | headers)

    async def own(self, url: str, **more: str) -> Response:
        """Open a page of ours on this host."""
        host = urlsplit(self.origin).netloc
        client = self.app.test_client(use_cookies=False)
        response = await client.get(
            url.removeprefix(self.origin),
            headers={"Host": host, "X-Forwarded-Proto": "http"} | self.cookies | more,
            scope_base={"client": ("127.0.0.1", 4711)},
        )
        for line in response.headers.getlist("Set-Cookie"):
            name, _, value = line.partition(";")[0].partition("=")
            self.jar[name] = value
        return response

    async def ticket(self, path: str = "/") -> str:
        """Go as far as the link with the ticket; return it."""
        sent = await self.ask(path, Accept="text/html")
        assert sent.status_code == 302, sent.status_code
        start = await self.own(sent.headers["Location"])
        there = start.headers["Location"]
        parts = urlsplit(there)
        await self.browser.get(f"{parts.path}?{parts.query}")
        assert 'http-equiv="refresh"' in self.browser.text, self.browser.text
        content = self.browser.text.partition('content="0; url=')[2].partition('"')[0]
        return content.replace("&amp;", "&")

    async def enter(self, path: str = "/") -> str:
        """Get in; return where one goes on."""
        entered = await self.own(await self.ticket(path))
        assert entered.status_code == 303, await entered.get_data(as_text=True)
        return str(entered.headers["Location"])


def state_of(location: str) -> str:
    return parse_qs(urlsplit(location).query)["state"][0]


async def sign_in(browser: Browser, someone: Someone) -> None:
    response = await browser.post("/login", email_or_user=someone.email, password=someone.password)
    assert response.status_code == 303


def names_of(response: Response) -> dict[str, str]:
    return {name: response.headers.get(name, "") for name in NAMES}
