"""A mail server for tests: the other end of SMTP, polite or not."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.server import free_port

OK = "250 OK"
# Says what is answered to a recipient, or to an email's content, when it comes for the nth time.
Answer = Callable[[str, int], Awaitable[str]]


async def accept(_: str, __: int) -> str:
    """Take everything."""
    return OK


class MailServer:
    """Takes emails on a port of 127.0.0.1; ``heard`` is every command that came in.

    ``messages`` are those that it answered with 250, and ``seen`` all whose content came over.
    """

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.seen: list[EmailMessage] = []
        self.envelopes: list[Envelope] = []
        self.heard: list[str] = []
        self.connections: set[_Connection] = set()
        self.opened = 0
        self.port = free_port()
        self.arrived = asyncio.Event()
        self.on_sender: Answer = accept
        self.on_recipient: Answer = accept
        self.on_content: Answer = accept
        self.password: str | None = None
        self.options: dict[str, Any] = {}
        self.implicit_tls: ssl.SSLContext | None = None
        self._tries: dict[str, int] = {}
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen, on the same port each time."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: _Connection(self), "127.0.0.1", self.port, ssl=self.implicit_tls
        )

    async def stop(self) -> None:
        """Listen no more and drop all connections."""
        if self._server is not None:
            self._server.close()
        self.drop()
        while self.connections:  # noqa: ASYNC110 - aiosmtpd has no event for it
            await asyncio.sleep(0.01)
        if self._server is not None:
            await self._server.wait_closed()
        self._server = None

    def drop(self) -> None:
        """Drop all connections, but go on listening."""
        for connection in list(self.connections):
            connection.abort()

    async def take(self, number: int = 1, *, seconds: float = 20) -> list[EmailMessage]:
        """Wait until so many emails are taken, and return them all."""
        async with asyncio.timeout(seconds):
            while len(self.messages) < number:
                self.arrived.clear()
                await self.arrived.wait()
        return self.messages

    async def handle_MAIL(  # noqa: N802 - aiosmtpd finds it by its name
        self, _: SMTP, __: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = await self._answer(self.on_sender, address, "MAIL")
        if answer == OK:
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return answer

    async def handle_RCPT(  # noqa: N802 - likewise
        self, _: SMTP, __: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = await self._answer(self.on_recipient, address, "RCPT")
        if answer == OK:
            envelope.rcpt_tos.append(address)
            envelope.rcpt_options.extend(options)
        return answer

    async def handle_DATA(  # noqa: N802 - likewise
        self, _: SMTP, __: Session, envelope: Envelope
    ) -> str:
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        self.seen.append(message)
        answer = await self._answer(self.on_content, envelope.rcpt_tos[0], "DATA")
        if answer == OK:
            self.messages.append(message)
            self.envelopes.append(envelope)
            self.arrived.set()
        return answer

    def authenticate(
        self, _: SMTP, __: Session, ___: Envelope, ____: str, login: object
    ) -> AuthResult:
        assert isinstance(login, LoginPassword)
        return AuthResult(success=login.password.decode() == self.password, handled=False)

    async def _answer(self, answer: Answer, about: str, command: str) -> str:
        key = f"{command} {about}"
        self._tries[key] = self._tries.get(key, 0) + 1
        return await answer(about, self._tries[key])


class _Connection(SMTP):
    def __init__(self, server: MailServer) -> None:
        super().__init__(
            server,
            hostname="mail.example.com",
            authenticator=server.authenticate,
            auth_required=server.password is not None and server.implicit_tls is None,
            auth_require_tls=server.implicit_tls is None,  # it does not know of any other TLS
            loop=asyncio.get_running_loop(),
            **server.options,
        )
        self._mail_server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self not in self._mail_server.connections:
            self._mail_server.opened += 1
        self._mail_server.connections.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._mail_server.connections.discard(self)
        super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        self._mail_server.heard += data.decode(errors="replace").splitlines()
        super().data_received(data)

    def abort(self) -> None:
        if isinstance(self.transport, asyncio.WriteTransport):
            self.transport.abort()


@asynccontextmanager
async def mail_server(
    *, implicit_tls: ssl.SSLContext | None = None, **options: object
) -> AsyncIterator[MailServer]:
    """Run a mail server, and stop it at the end."""
    server = MailServer()
    server.implicit_tls = implicit_tls
    server.options = dict(options)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


async def hang(_: str, __: int) -> str:
    """Never answer."""
    await asyncio.Event().wait()
    return OK


def certificate(authority: trustme.CA, name: str = "localhost") -> ssl.SSLContext:
    """Return what a server needs to show a certificate for a name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context
