"""Reading the letters that lie in the outbox, as the people who get them would."""

import re

from app.mail.message import Message
from app.services import Services
from app.testing import written

_LINK = re.compile(
    r"https?://\S+/(?:confirm|invitation|reset|change-email|not-me|keep-account|lost-factor|"
    r"keep-factors)/\S+"
)


async def messages(services: Services, to: str | None = None) -> list[Message]:
    """Return the emails, to one address if given, oldest first."""
    found = await written(services)
    return [message for message in found if to is None or message.to == to]


def link_in(message: Message) -> str:
    """Return the one-time link of an email."""
    found = _LINK.search(message.text)
    assert found, message.text
    return found.group()


async def link_about(services: Services, to: str, words: str) -> str:
    """Return the one-time link of the newest email to somebody whose subject has these words."""
    about = [message for message in await messages(services, to) if words in message.subject]
    assert about, [message.subject for message in await messages(services, to)]
    return link_in(about[-1])


async def last_link(services: Services, to: str) -> str:
    """Return the one-time link of the newest email to somebody."""
    return link_in((await messages(services, to))[-1])


def key_of(link: str) -> str:
    """Return a link's last part, as the flows take it."""
    return link.rsplit("/", 1)[1]
