"""The way to the mail server: one connection, kept while emails follow each other."""

import asyncio
import ssl
from email.headerregistry import Address
from email.policy import SMTP, SMTPUTF8

import aiosmtplib
from aiosmtplib import SMTPDataError, SMTPException, SMTPRecipientRefused, SMTPResponseException

from app.kit.errors import WrongAddress
from app.kit.logos import Logo
from app.kit.replies import is_about_recipient
from app.mail.message import NoServer, Posted, PutOff, RecipientRefused, Undelivered, one_line
from app.mail.mime import compose, mailbox, sender_of
from app.mail.relay import Relay
from app.words.refusals import sentence

CONNECT_SECONDS = 10
STEP_SECONDS = 20  # each command but the last: a content may be looked at for long
DELIVER_SECONDS = 45  # all of them together: well below the outbox' lease of two minutes
GOODBYE_SECONDS = 2
# Not about the email: the server goes away, or wants to know who we are (RFC 5321, RFC 4954).
_LOGIN_CODES = {530, 534, 535, 538}
_SERVER_CODES = {421, *_LOGIN_CODES}
PRIVATE_AUTHORITY = (
    "its certificate isn't trusted; for a private authority: SSL_CERT_FILE=/path/to/ca.pem"
)


class MailServer:
    """Takes emails, one at a time.

    TLS certificates are always verified, against the system's authorities or ``SSL_CERT_FILE``.
    ``greeting`` is the name by which we greet, ``logo`` what emails enclose that show it.
    """

    def __init__(
        self, relay: Relay, mail_from: str, *, greeting: str, logo: Logo | None = None
    ) -> None:
        self._logo = logo
        self._relay = relay
        self._greeting = greeting
        self._sender = sender_of(mail_from)
        self._tls = ssl.create_default_context()
        self._client = self._new_client()
        self.last_answer = ""  # to the last email that was taken

    @property
    def is_connected(self) -> bool:
        """Whether a connection is kept for the next email."""
        return self._client.is_connected

    async def send(self, posted: Posted) -> None:
        """Hand an email over; return once the server has taken it.

        Raises:
            Refused: there is no such recipient.
            PutOff: the server does not take this email, but that may be mended.
            NoServer: anything else that went wrong, within ``DELIVER_SECONDS``.
        """
        try:
            to = mailbox(posted.to)
            content = compose(posted, sender=self._sender, to=to, logo=self._logo)
        except ValueError as error:
            raise RecipientRefused(f"it can't be made into a message: {_why(error)}") from error
        utf8 = not f"{self._sender.addr_spec}{to.addr_spec}".isascii()
        try:
            async with asyncio.timeout(DELIVER_SECONDS):
                await self._begin(to, utf8=utf8)
                await self._hand_over(to, content.as_bytes(policy=SMTPUTF8 if utf8 else SMTP))
        except (SMTPException, OSError, ValueError) as error:
            self._client.close()
            raise NoServer(_words(error), getattr(error, "code", 0)) from error
        except asyncio.CancelledError:
            self._client.close()
            raise

    async def greet(self) -> None:
        """Connect, and sign in if there is a username; nothing is sent.

        Raises:
            NoServer: the server does not answer, or does not let us in.
        """
        try:
            await self._client.connect(timeout=CONNECT_SECONDS)
            if self._client.is_ehlo_or_helo_needed:
                await self._client.ehlo()
        except (SMTPException, OSError, ValueError) as error:
            self._client.close()
            raise NoServer(_words(error), getattr(error, "code", 0)) from error

    async def close(self) -> None:
        """Say goodbye, if there is anybody, and hang up."""
        try:
            if self._client.is_connected:
                await self._client.quit(timeout=GOODBYE_SECONDS)
        except (SMTPException, OSError):
            pass  # we are leaving anyway
        finally:
            self._client.close()

    async def _begin(self, to: Address, *, utf8: bool) -> None:
        """Open an envelope, on the connection of the last email if that still works."""
        if self._client.is_connected:
            try:
                await self._client.rset()
                await self._mail(to, utf8=utf8)
            except (SMTPException, OSError):
                self._client.close()
            else:
                return
        self._client = self._new_client()
        await self._client.connect(timeout=CONNECT_SECONDS)
        if self._client.is_ehlo_or_helo_needed:
            await self._client.ehlo()
        await self._mail(to, utf8=utf8)

    async def _mail(self, to: Address, *, utf8: bool) -> None:
        if utf8 and not self._client.supports_extension("smtputf8"):
            if to.addr_spec.isascii():
                raise NoServer("the mail server doesn't support SMTPUTF8, but MAIL_FROM needs it")
            raise RecipientRefused(
                "the mail server doesn't support SMTPUTF8, but the address needs it"
            )
        options = ["SMTPUTF8"] if utf8 else []
        await self._client.mail(self._sender.addr_spec, options=options, encoding="utf-8")

    async def _hand_over(self, to: Address, content: bytes) -> None:
        try:
            await self._client.rcpt(to.addr_spec, encoding="utf-8")
            taken = await self._client.data(content, timeout=DELIVER_SECONDS)
            self.last_answer = one_line(f"{taken.code} {taken.message}")
        except ValueError as error:
            raise RecipientRefused(f"it can't be made into a command: {error}") from error
        except (SMTPRecipientRefused, SMTPDataError) as error:
            if error.code in _SERVER_CODES or not 400 <= error.code < 600:  # noqa: PLR2004
                raise
            raise self._kind(error, to)(_words(error), error.code) from error

    def _kind(self, error: SMTPResponseException, to: Address) -> type[Undelivered]:
        sender, recipient = self._sender.addr_spec, to.addr_spec
        is_lasting = error.code >= 500  # noqa: PLR2004
        if is_lasting and is_about_recipient(error.message, sender=sender, to=recipient):
            return RecipientRefused
        return PutOff

    def _new_client(self) -> aiosmtplib.SMTP:
        return aiosmtplib.SMTP(
            hostname=self._relay.host,
            port=self._relay.port,
            username=self._relay.username,
            password=self._relay.password,
            use_tls=self._relay.tls == "implicit",
            start_tls=self._relay.tls == "starttls",
            tls_context=self._tls,
            timeout=STEP_SECONDS,
            local_hostname=self._greeting,
        )


def _why(error: ValueError) -> str:
    return sentence(error) if isinstance(error, WrongAddress) else str(error)


def _words(error: Exception) -> str:
    refused = _refused_certificate(error)
    if refused is not None:
        return f"{PRIVATE_AUTHORITY} ({refused.verify_message}; CERTIFICATE_VERIFY_FAILED)"
    if isinstance(error, SMTPResponseException) and error.code in _LOGIN_CODES:
        return f"{error.code} the mail server rejected our sign-in"  # some repeat what was sent
    if isinstance(error, SMTPResponseException):
        return f"{error.code} {error.message}"
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _refused_certificate(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error
