"""Reading the letters that lie in the outbox, as the people who get them would."""

import re

from sqlalchemy import text

from app.mail.message import Letter
from app.services import House

_LINK = re.compile(
    r"https?://\S+/(?:confirm|invitation|reset|change-email|not-me|keep-account)/\S+"
)


async def letters(house: House, to: str | None = None) -> list[Letter]:
    """Return the letters, to one address if given, oldest first."""
    async with house.engine.connect() as connection:
        rows = await connection.execute(
            text("SELECT recipient, subject, text, html FROM outbox ORDER BY created_at, id")
        )
        found = [Letter(*row) for row in rows]
    return [letter for letter in found if to is None or letter.to == to]


def link_in(letter: Letter) -> str:
    """Return the one-time link of a letter."""
    found = _LINK.search(letter.text)
    assert found, letter.text
    return found.group()


async def link_about(house: House, to: str, words: str) -> str:
    """Return the one-time link of the newest letter to somebody whose subject has these words."""
    about = [letter for letter in await letters(house, to) if words in letter.subject]
    assert about, [letter.subject for letter in await letters(house, to)]
    return link_in(about[-1])


async def last_link(house: House, to: str) -> str:
    """Return the one-time link of the newest letter to somebody."""
    return link_in((await letters(house, to))[-1])


def key_of(link: str) -> str:
    """Return a link's last part, as the flows take it."""
    return link.rsplit("/", 1)[1]
