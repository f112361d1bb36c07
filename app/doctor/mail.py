"""Whether emails get through: with a real one, if an address is given."""

import asyncio
import uuid
from datetime import UTC, datetime
from html import escape

from app.config import Config
from app.doctor.findings import Finding, ok, wrong
from app.mail.message import Posted, Undelivered
from app.mail.mime import sender_of
from app.mail.smtp import MailServer

MAIL = "mail"
MAIL_SECONDS = 15


async def look(config: Config, to: str | None) -> Finding:
    """Send an email ``to`` somebody, or just sign in; return what the mail server says to it."""
    if config.relay is None:
        return without_email(config, is_wanted=to is not None)
    server = MailServer(config.relay, config.mail_from or "", greeting=config.greeting)
    try:
        async with asyncio.timeout(MAIL_SECONDS):
            if to is None:
                await server.greet()
                return reached(config)
            await server.send(_message(config, to))
    except Undelivered as problem:
        did = "can't be used" if to is None else "didn't accept the email"
        return wrong(
            MAIL,
            f"{config.relay} {did}: {problem.trouble}. Check SMTP_URL, SMTP_PASSWORD and MAIL_FROM",
        )
    except TimeoutError:
        return wrong(MAIL, f"{config.relay} took longer than {MAIL_SECONDS} s. Check SMTP_URL")
    finally:
        await server.close()
    domain = sender_of(config.mail_from or "").domain
    return ok(
        MAIL,
        f"{config.relay} accepted the email ({server.last_answer}). For it to arrive, {domain}'s "
        f"SPF, DKIM and DMARC records must allow this mail server",
    )


def reached(config: Config) -> Finding:
    """Say that the mail server answers, and has let us in if it wants to know who we are."""
    return ok(
        MAIL,
        f"{config.relay} answers. To send a test email: python -m app doctor --to you@example.com",
    )


def without_email(config: Config, *, is_wanted: bool) -> Finding:
    """Say where emails go without a mail server."""
    if config.is_https or is_wanted:
        return wrong(
            MAIL, "SMTP_URL isn't set, so emails only go to the log, including their links"
        )
    return ok(MAIL, "SMTP_URL isn't set, so emails go to the log")


def _message(config: Config, to: str) -> Posted:
    words = f"{config.site_name} can send emails. This test email was sent by: python -m app doctor"
    html = f"<p>{escape(words)}</p>\n"
    subject = f"Test email from {config.site_name}"
    return Posted(uuid.uuid4(), to, subject, f"{words}\n", html, datetime.now(UTC))
