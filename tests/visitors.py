"""Visitors of a running server, each with their own cookies."""

import asyncio
import http.client
from urllib.parse import urlencode, urlsplit

from sqlalchemy import URL, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from tests.server import Server

PASSWORD = "canary walks in the evening"
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}


class Visitor:
    """A browser as small as can be. Each request is a connection, and so any worker's."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.cookies: dict[str, str] = {}

    def ask(self, method: str, path: str, **fields: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=10)
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = FORM | ({"Cookie": cookies} if cookies else {})
        connection.request(method, path, urlencode(fields), headers)
        answer = connection.getresponse()
        answer.read()
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            name, value = cookie.split(";")[0].split("=", 1)
            self.cookies[name] = value
        connection.close()
        return answer

    def arrive(self, name: str, password: str = PASSWORD) -> str:
        """Register and confirm; return the address."""
        email = f"{name}@example.com"
        self.ask(
            "POST", "/register", username=name, email=email, password=password, confirm=password
        )
        self.ask("GET", urlsplit(self.server.link(email)).path)
        assert self.ask("POST", "/confirm").status == 303
        return email

    def create_user(self, name: str) -> "Visitor":
        """Register, confirm and sign in."""
        self.arrive(name)
        assert self.ask("POST", "/login", email_or_user=name, password=PASSWORD).status == 303
        return self

    def is_in(self) -> set[bool]:
        """Ask often enough to meet every worker; return all answers."""
        return {self.ask("GET", "/secret").status == 200 for _ in range(24)}


def execute(database: URL, statement: str) -> object:
    async def run() -> object:
        engine = create_async_engine(database, poolclass=NullPool)
        async with engine.begin() as connection:
            result = await connection.execute(text(statement))
            found: object = result.scalar() if result.returns_rows else None
        await engine.dispose()
        return found

    return asyncio.run(run())
