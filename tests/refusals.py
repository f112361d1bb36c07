"""Refusals: by what they say to people, and all that there are."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import pytest

from app.kit.errors import Refusal
from app.words.refusals import sentence


@contextmanager
def refused(kind: type[Refusal], words: str) -> Iterator[None]:
    """Expect a refusal that says such words, a regular expression."""
    with pytest.raises(kind) as caught:
        yield
    assert re.search(words, sentence(caught.value)), sentence(caught.value)


def every_refusal() -> dict[str, type[Refusal]]:
    """Return the classes of refusals of all our files, by name."""
    for path in Path("app/kit").glob("*errors.py"):
        import_module(f"app.kit.{path.stem}")
    found, new = {"Refusal": Refusal}, [Refusal]
    while new:
        new = [kind for parent in new for kind in parent.__subclasses__()]
        found |= {kind.__name__: kind for kind in new if kind.__module__.startswith("app.")}
    return found
