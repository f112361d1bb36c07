"""Tokens for scripts: a prefix by which secret scanners know them, and 256 random bits."""

import re

from app.kit.tokens import Secret, digest, new_secret

PREFIX = "vst_"
_TOKEN = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}")


def new_token() -> Secret:
    """Make a token; its digest is that of the whole text."""
    text = PREFIX + new_secret().text
    return Secret(text, digest(text))


def is_token(text: str) -> bool:
    """Whether a text looks like a token."""
    return _TOKEN.fullmatch(text) is not None
