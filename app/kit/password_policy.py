"""Which new passwords are taken, and which are among the first that are guessed."""

import string
from collections.abc import Iterable
from functools import lru_cache

from app.kit.errors import WeakPassword
from app.kit.passwords import normal_form

LONGEST_CHARACTERS = 128
LONGEST_BYTES = 1024
COMMON_PIECE_SHORTEST = 3
FEW = 5
DECORATION = string.digits + string.punctuation
FAMOUS = frozenset({"administrator", "correcthorsebatterystaple", "correct horse battery staple"})
KEYBOARD_RUNS = (
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
)


def fits(password: str) -> bool:
    """Whether a password is short enough to be hashed at all (PW-03).

    Counted before it is normalised, so that the check costs nothing.
    """
    if len(password) > LONGEST_CHARACTERS:
        return False
    try:
        return len(password.encode()) <= LONGEST_BYTES
    except UnicodeEncodeError:
        return False


def own_words(*, site: str, username: str, email: str) -> list[str]:
    """Return what is easily guessed of a user here: the site, the names, parts of the address."""
    return [site, username, email, *email.split("@")]


def check_policy(password: str, *, shortest: int, context: Iterable[str] = ()) -> None:
    """Refuse a new password that is too short, too long, or among the first that are guessed.

    ``context`` are words that are easily guessed here: the site, the user, the address.

    Raises:
        WeakPassword: with the reason (NIST SP 800-63B-4 3.1.1.2).
    """
    if not fits(password):
        raise WeakPassword("too_long", longest=LONGEST_CHARACTERS, length=len(password))
    if len(normal_form(password)) < shortest:
        raise WeakPassword("too_short", shortest=shortest)
    folded = normal_form(password).casefold()
    plain = folded.strip(DECORATION)
    words = [word.casefold() for word in context if word]
    if any(_is_repeated(text, word) for text in (folded, plain) for word in words):
        raise WeakPassword("personal")
    if is_common(folded):
        raise WeakPassword("common")


def is_common(folded: str) -> bool:
    """Whether the whole text, or all of it but digits and signs at its ends, is guessed early.

    That is: a common password, one repeated, two joined, a few characters over and over, or a run
    along the keyboard.
    """
    return any(_is_guessed(text) for text in {folded, folded.strip(DECORATION)})


def _is_guessed(text: str) -> bool:
    if text in _common() or text in FAMOUS:
        return True
    if any(_runs_along(text, run) for run in KEYBOARD_RUNS if len(text) >= COMMON_PIECE_SHORTEST):
        return True
    ends = range(1, len(text) // 2 + 1)
    units = [text[:end] for end in ends if _is_repeated(text, text[:end])]
    if any(unit in _common() or (unit.isascii() and len(unit) <= FEW) for unit in units):
        return True
    cuts = range(COMMON_PIECE_SHORTEST, len(text) - COMMON_PIECE_SHORTEST + 1)
    return any(text[:cut] in _common() and text[cut:] in _common() for cut in cuts)


@lru_cache(maxsize=1)
def _common() -> frozenset[str]:
    # 14 MB: read when somebody chooses a password, not in every process.
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415

    return frozenset(FREQUENCY_LISTS["passwords"])


def _is_repeated(text: str, word: str) -> bool:
    times, rest = divmod(len(text), len(word))
    return rest == 0 and times > 0 and word * times == text


def _runs_along(text: str, run: str) -> bool:
    around = run * (len(text) // len(run) + 2)
    return text in around or text[::-1] in around
