"""A letter: what the outbox keeps and the postman sends."""

from typing import NamedTuple


class Letter(NamedTuple):
    """One mail, its text and its HTML saying the same."""

    to: str
    subject: str
    text: str
    html: str
