"""Who attacks, and who is attacked: small browsers, each request to the other server in turn."""

import asyncio
import http.client
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlencode

import asyncpg
from sqlalchemy import URL

from app.config import Config
from app.flows import invitation
from app.services import opened
from tests.conftest import SETTINGS
from tests.contexts import operator
from tests.mailbox import key_of
from tests.server import Server

PASSWORD = "canary walks in the evening"
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}


@dataclass
class Answer:
    """What a server said."""

    status: int
    headers: http.client.HTTPMessage
    text: str


@dataclass
class Site:
    """The servers that are attacked, and their database."""

    servers: Sequence[Server]
    url: URL
    turn: Iterator[int] = field(default_factory=itertools.count)

    async def create_user(self, name: str, *, role: str = "User") -> "Visitor":
        """Return somebody who has an account and is signed in."""
        config = Config.model_validate(SETTINGS)
        async with opened(config, self.url) as services, operator(services) as ctx:
            invited = await invitation.invite(
                ctx, username=name, email=f"{name}@example.com", role_name=role
            )
            await invitation.accept(ctx, sealed=key_of(invited.url), password=PASSWORD)
        visitor = Visitor(self)
        assert (await visitor.sign_in(name)).status == 303
        return visitor

    async def link(self, to: str, kind: str) -> str:
        """Return the path of the first link of a kind to an address, from either's log."""
        email = rf"Email to {re.escape(to)}:(?:(?!Email to ).)*?http://[^/\s]+(/{kind}/\S+)"
        for _ in range(200):
            said = "".join(server.log for server in self.servers)
            found = re.findall(email, said, re.DOTALL)
            if found:
                return str(found[0])
            await asyncio.sleep(0.05)
        raise AssertionError(f"no email to {to} in:\n{said}")

    async def connect(self) -> asyncpg.Connection:
        """Return a way into the database, to look, and to make what takes an attacker long."""
        plain = self.url.set(drivername="postgresql").render_as_string(hide_password=False)
        return await asyncpg.connect(plain)

    async def sql(self, statement: str, *values: object) -> list[asyncpg.Record]:
        connection = await self.connect()
        try:
            found: list[asyncpg.Record] = await connection.fetch(statement, *values)
        finally:
            await connection.close()
        return found


@dataclass
class Visitor:
    """A browser as small as can be. ``ip`` is where it sits, an address of this machine."""

    site: Site
    ip: str = "127.0.0.1"
    cookies: dict[str, str] = field(default_factory=dict)

    async def get(self, path: str) -> Answer:
        return await asyncio.to_thread(self._ask, "GET", path, {})

    async def post(self, path: str, **fields: str) -> Answer:
        return await asyncio.to_thread(self._ask, "POST", path, fields)

    async def sign_in(self, name: str, password: str = PASSWORD) -> Answer:
        return await self.post("/login", email_or_user=name, password=password)

    async def register(self, name: str, email: str) -> Answer:
        secret = {"password": PASSWORD, "confirm": PASSWORD}
        return await self.post("/register", username=name, email=email, **secret)

    async def press(self, link: str, **fields: str) -> Answer:
        """Open a link of an email and press its page's button."""
        path = (await self.get(link)).headers["Location"]
        return await self.post(path, **fields)

    async def is_in(self) -> bool:
        return (await self.get("/account")).status == 200

    def headers(self) -> dict[str, str]:
        """Return what it says beside what all browsers do."""
        return {}

    @contextmanager
    def begin(
        self, method: str, path: str, fields: Mapping[str, str]
    ) -> Iterator[http.client.HTTPResponse]:
        """Send a request and yield the answer as soon as it has begun."""
        server = self.site.servers[next(self.site.turn) % len(self.site.servers)]
        connection = http.client.HTTPConnection(
            "127.0.0.1", server.port, timeout=10, source_address=(self.ip, 0)
        )
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = FORM | self.headers() | ({"Cookie": cookies} if cookies else {})
        with closing(connection):
            connection.request(method, path, urlencode(fields), headers)
            answer = connection.getresponse()
            for cookie in answer.headers.get_all("Set-Cookie") or []:
                name, value = cookie.split(";")[0].split("=", 1)
                self.cookies[name] = value
            yield answer

    def _ask(self, method: str, path: str, fields: Mapping[str, str]) -> Answer:
        with self.begin(method, path, fields) as answer:
            return Answer(answer.status, answer.headers, answer.read().decode())
