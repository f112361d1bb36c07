"""What a site adds from outside: the owner's package that ``SITE`` names. We never write to it.

It may have modules ``pages``, ``models``, ``permissions``, ``profile``, ``hooks`` and folders
``templates``, ``static``, ``migrations``, ``translations``: see docs/extending.md.
"""

import inspect
import sys
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntFlag
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from app.kit.permissions import FIRST_OF_SITE, LAST_OF_SITE, OURS
from app.kit.profile import ProfileField

MODULES = ("models", "permissions", "profile", "hooks", "pages")
TAKEN = {
    "app",
    "alembic",
    "bench",
    "docs",
    "static",
    "templates",
    "tests",
} | sys.stdlib_module_names

Hook = Callable[..., Awaitable[None]]
H = TypeVar("H", bound=Hook)
_EVENTS = "_vestibule_events"
SIGNING = {"login.succeeded", "login.ended"}
IMPORTED = "account.imported"  # many at once, and nobody is there


class WrongSite(Exception):
    """The owner's package cannot be used; the sentence names the file."""


@dataclass(frozen=True)
class Site:
    """What the owner's package adds. Without one all of it is empty.

    Attributes:
        root: where the package lies.
        pages: its blueprints.
        permissions: all names, ours first, with their bits.
        hooks: what runs when an event is recorded, by the event's name.
    """

    name: str = ""
    root: Path | None = None
    pages: Sequence[Any] = ()
    permissions: Mapping[str, int] = field(default_factory=lambda: OURS)
    profile: Sequence[ProfileField] = ()
    hooks: Mapping[str, Sequence[Hook]] = field(default_factory=dict)

    def folder(self, name: str) -> Path | None:
        """Return a folder of the package, None if it has none of this name."""
        found = self.root and self.root / name
        return found if found and found.is_dir() else None


def hook(*events: str) -> Callable[[H], H]:
    """Run a function whenever one of these events is recorded, inside its transaction."""
    for event in events:
        if (event not in SIGNING and not event.startswith("account.")) or event == IMPORTED:
            raise ValueError(f"there are no hooks for {event}, only for what befalls accounts")

    def mark(function: H) -> H:
        setattr(function, _EVENTS, events)
        return function

    return mark


@cache  # bounded by the names of packages
def load(name: str | None) -> Site:
    """Import a site's package and return what it adds.

    Raises:
        WrongSite: with one sentence that names the file.
    """
    if not name:
        return Site()
    if not name.isidentifier() or name in TAKEN:
        raise WrongSite(
            f"SITE: “{name}” can't be the name of a site's package. Choose another one."
        )
    package = _imported(name, None)
    if package is None or package.__file__ is None:
        raise WrongSite(f"SITE: there is no package {name}/__init__.py here ({Path.cwd()}).")
    root = Path(package.__file__).parent
    found = {part: _imported(f"{name}.{part}", root) for part in MODULES}
    return Site(
        name,
        root,
        tuple(_pages(found["pages"])),
        {**OURS, **_permissions(found["permissions"])},
        _profile(found["profile"]),
        _hooks(found["hooks"]),
    )


def _imported(name: str, root: Path | None) -> ModuleType | None:
    """Return a module, None if there is no such file."""
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name == name:
            return None
        raise WrongSite(_why(error, name, root)) from error
    except Exception as error:
        raise WrongSite(_why(error, name, root)) from error


def _why(error: Exception, name: str, root: Path | None) -> str:
    """Say what is wrong with a module, and in which line of the owner's."""
    if isinstance(error, SyntaxError):
        return f"SITE: {error.filename}, line {error.lineno}: {error.msg}."
    package = name.partition(".")[0]
    inside = f"/{package}/" if root is None else f"{root}/"
    frames = [each for each in traceback.extract_tb(error.__traceback__) if inside in each.filename]
    where = f"{frames[-1].filename}, line {frames[-1].lineno}" if frames else name
    return f"SITE: {where}: {type(error).__name__}: {error}"


def _wrong(module: ModuleType, sentence: str) -> WrongSite:
    return WrongSite(f"SITE: {module.__file__}: {sentence}")


def _pages(module: ModuleType | None) -> Iterator[Any]:
    from quart import Blueprint  # noqa: PLC0415 - most commands have no pages

    for each in vars(module).values() if module else ():
        if isinstance(each, Blueprint):
            yield each


def _permissions(module: ModuleType | None) -> dict[str, int]:
    if module is None:
        return {}
    own = [
        each
        for each in vars(module).values()
        if isinstance(each, type)
        and issubclass(each, IntFlag)
        and each.__module__ == module.__name__
    ]
    found = {name: int(bit) for flag in own for name, bit in flag.__members__.items()}
    for name, bit in found.items():
        if not FIRST_OF_SITE <= bit <= LAST_OF_SITE or bit.bit_count() != 1:
            raise _wrong(
                module, f"{name} must be a single bit from {FIRST_OF_SITE} to {LAST_OF_SITE}."
            )
        if name in OURS or name != name.upper():
            raise _wrong(module, f"a permission can't be called {name}. Use other capital letters.")
    twice = [bit for bit, times in Counter(found.values()).items() if times > 1]
    if twice:
        raise _wrong(module, f"two permissions have the bit {twice[0]}.")
    return found


def _profile(module: ModuleType | None) -> tuple[ProfileField, ...]:
    if module is None:
        return ()
    fields = getattr(module, "fields", None)
    if not isinstance(fields, list | tuple) or not all(isinstance(f, ProfileField) for f in fields):
        raise _wrong(module, "it needs a list of ProfileField, called “fields”.")
    twice = [name for name, times in Counter(each.name for each in fields).items() if times > 1]
    if twice:
        raise _wrong(module, f"two fields are called {twice[0]}.")
    return tuple(fields)


def _hooks(module: ModuleType | None) -> dict[str, list[Hook]]:
    found: dict[str, list[Hook]] = {}
    for each in vars(module).values() if module else ():
        events = getattr(each, _EVENTS, ())
        if module and events and not inspect.iscoroutinefunction(each):
            raise _wrong(module, f"the hook {each.__name__} must be an “async def”.")
        if module and events and not _takes_two(each):
            why = "must take two arguments: the context and what happens."
            raise _wrong(module, f"the hook {each.__name__} {why}")
        for event in events:
            found.setdefault(event, []).append(each)
    return found


def _takes_two(function: Hook) -> bool:
    try:
        inspect.signature(function).bind("context", "happening")
    except TypeError:
        return False
    return True
