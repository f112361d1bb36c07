"""A visitor who keeps a connection, with little work: many requests come from one process."""

import asyncio
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import urlencode

FORM = "Content-Type: application/x-www-form-urlencoded\r\n"


class Answer(NamedTuple):
    """``cookies`` as the next request sends them."""

    status: int
    cookies: str


class Visitor:
    """Opens its connection at the first question, and again where the server closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._close()

    async def ask(self, method: str, path: str, cookie: str = "", body: str = "") -> Answer:
        """Send a request and read the whole answer."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n"
        head += f"Cookie: {cookie}\r\n" if cookie else ""
        head += f"{FORM}Content-Length: {len(body)}\r\n" if method == "POST" else ""
        writer.write(f"{head}Sec-Fetch-Site: same-origin\r\n\r\n{body}".encode())
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = [
            (name.lower(), value.strip())
            for name, _, value in (each.partition(":") for each in lines[1:])
        ]
        await self._skip_body(reader, dict(headers))
        given = [value.split(";")[0] for name, value in headers if name == "set-cookie"]
        return Answer(int(lines[0][9:12]), "; ".join(given))

    async def _skip_body(self, reader: asyncio.StreamReader, headers: dict[str, str]) -> None:
        await reader.readexactly(int(headers["content-length"]))
        if headers.get("connection") == "close":
            self._close()

    def _close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def form(fields: dict[str, str]) -> str:
    return urlencode(fields)
