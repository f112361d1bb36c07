"""Refusals, by what they say to people."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from app.kit.errors import Refusal
from app.words.refusals import sentence


@contextmanager
def refused(kind: type[Refusal], words: str) -> Iterator[None]:
    """Expect a refusal that says such words, a regular expression."""
    with pytest.raises(kind) as caught:
        yield
    assert re.search(words, sentence(caught.value)), sentence(caught.value)
