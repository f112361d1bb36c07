"""What a browser says of itself, in words (ua-parser knows the thousands of spellings)."""

import re
from functools import lru_cache

from ua_parser import BestAvailableResolver, Parser, load_lazy_builtins
from ua_parser.core import OS, UserAgent

UNKNOWN = "An unknown browser"
# Names that the parser takes from the text as it stands may be anybody's words: none are told.
_NAME = re.compile(r"[A-Za-z][A-Za-z.+-]{0,19}( [A-Za-z][A-Za-z.+-]{0,14}){0,2}")
_BETTER = {"Mac OS X": "macOS", "Mobile Safari": "Safari", "Chrome Mobile": "Chrome"}
_WITH_VERSION = {"Windows", "iOS", "Android"}


@lru_cache(maxsize=1)
def _parser() -> Parser:
    """Read the tables; that of devices, 14 MB, is left out."""
    browsers, systems, _ = load_lazy_builtins()
    return Parser(BestAvailableResolver((browsers, systems, [])))


@lru_cache(maxsize=1000)
def described(user_agent: str) -> str:
    """Return a browser and its system, like ``Firefox 132 on Windows 11``."""
    found = _parser().parse(user_agent)
    is_named = found.user_agent is not None and _NAME.fullmatch(found.user_agent.family)
    browser = _browser(found.user_agent) if found.user_agent and is_named else UNKNOWN
    has_system = found.os is not None and _NAME.fullmatch(found.os.family)
    return f"{browser} on {_system(found.os)}" if found.os and has_system else browser


def _browser(found: UserAgent) -> str:
    name = _BETTER.get(found.family, found.family)
    return f"{name} {found.major}" if found.major else name


def _system(found: OS) -> str:
    name = _BETTER.get(found.family, found.family)
    return f"{name} {found.major}" if found.major and name in _WITH_VERSION else name
