"""An email: what the outbox keeps and the mailer sends, and why it may not get through."""

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from app.kit.colours import Shades, on_dark, on_light

TROUBLE_LONGEST = 200
_ADDRESS = re.compile(r"[^\s<>:]+@[^\s<>:]+")


COLOUR = "#9a4321"


class Brand(NamedTuple):
    """A site as its emails show it.

    Attributes:
        templates: its own, which come before ours.
        url: where the mark leads.
        colour: of buttons and of the mark.
        has_logo: whether the mailer encloses one, which then stands for the mark.
        support: the address of a page or for emails where users find help.
        shows_usernames: whether users are called by their usernames; else by their address.
    """

    name: str
    templates: Path | None = None
    url: str = ""
    colour: str = COLOUR
    has_logo: bool = False
    support: str | None = None
    shows_usernames: bool = True

    @property
    def light(self) -> Shades:
        """The colours on light grounds."""
        return on_light(self.colour)

    @property
    def dark(self) -> Shades:
        """The colours on dark grounds."""
        return on_dark(self.colour)

    @property
    def support_words(self) -> str:
        """Where users find help, as people read it."""
        return (self.support or "").removeprefix("mailto:")

    def __str__(self) -> str:
        """Return the name, as texts have it."""
        return self.name


class Message(NamedTuple):
    """One mail, its text and its HTML saying the same.

    ``good_for``: how long its link works, None if it has none that ends.
    """

    to: str
    subject: str
    text: str
    html: str
    good_for: timedelta | None = None


class Posted(NamedTuple):
    """An email in the hands of a mailer, and of no other until its lease ends.

    ``id`` and ``written_at`` stay the same over all tries. ``age`` is by the database's clock.
    """

    id: UUID
    to: str
    subject: str
    text: str
    html: str
    written_at: datetime
    age: timedelta = timedelta(0)
    tries: int = 1


class Undelivered(Exception):
    """An email did not get through.

    ``code`` is what the mail server answered, 0 if it gave no answer. ``trouble`` says it in
    words: one line, at most 200 printable characters, without anybody's address.
    """

    def __init__(self, words: str, code: int = 0) -> None:
        self.code = code
        self.trouble = _ADDRESS.sub("(address)", one_line(words))[:TROUBLE_LONGEST]
        super().__init__(self.trouble)


class RecipientRefused(Undelivered):
    """There is no such recipient: this email is not taken, and never will be."""


class PutOff(Undelivered):
    """This email is not taken now; others may be."""


class NoServer(Undelivered):
    """The mail server is away, broken, or does not take us: not the email's fault."""


def one_line(text: str) -> str:
    """Return ``text`` without line ends, and with nothing that is not printable."""
    return "".join(sign if sign.isprintable() else "?" for sign in " ".join(text.split()))
