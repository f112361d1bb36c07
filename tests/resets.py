"""Asking for a new password, and choosing it."""

from app.flows import password_reset
from app.mail.message import Message
from app.services import Services
from tests.contexts import context
from tests.mailbox import key_of, link_about, messages
from tests.users import (
    ALICE,
    Someone,
)

NEW = "a quite different passphrase"
SUBJECT = "Choose a new password"


async def ask(services: Services, name: str) -> None:
    async with context(services) as ctx:
        await password_reset.request_reset(ctx, name=name)


async def reset(services: Services, link: str, password: str = NEW) -> password_reset.Reset:
    async with context(services) as ctx:
        return await password_reset.reset_password(ctx, sealed=key_of(link), password=password)


async def asked(services: Services, someone: Someone = ALICE) -> str:
    """Ask for a link and return it."""
    await ask(services, someone.email)
    return await link_about(services, someone.email, SUBJECT)


async def resets(services: Services, to: str | None = None) -> list[Message]:
    return [message for message in await messages(services, to) if SUBJECT in message.subject]
