"""Passwords: hashing them away from the event loop.

Hashes are passlib's ``bcrypt_sha256`` (no 72-byte limit). The kinds of ``kit.hashes``, which people
bring from werkzeug (the Flask application), Django and passlib, verify too and ask to be replaced.
"""

import asyncio
import hashlib
import hmac
import os
import secrets
import sys
import threading
import time
import unicodedata
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import cached_property, lru_cache
from typing import NamedTuple, ParamSpec, TypeVar

from passlib.context import CryptContext
from werkzeug.security import check_password_hash

from app.kit import hashes
from app.kit.metrics import PASSWORD_WAIT_SECONDS, PASSWORDS_WAITING
from app.kit.shares import Share
from app.kit.turns import Turns

P = ParamSpec("P")
R = TypeVar("R")

DEFAULT_ROUNDS = 12
NICE = 10  # more than the rest of the process
NICEST = 19
LONGEST_WAIT_SECONDS = 20
FOREIGN_SCHEMES = [
    "argon2",
    "bcrypt",
    "pbkdf2_sha256",
    "pbkdf2_sha512",
    "pbkdf2_sha1",
    "scrypt",
    "sha256_crypt",
    "sha512_crypt",
    "django_bcrypt_sha256",
    "django_bcrypt",
    "django_pbkdf2_sha256",
    "django_pbkdf2_sha1",
]
TOP_UP_ROUNDS = 500  # a fraction of a millisecond


class Verdict(NamedTuple):
    """``replacement`` is a new hash to store: the password was right and its hash outdated."""

    is_right: bool
    replacement: str | None = None


def fingerprint(password: str, *, key: str) -> bytes:
    """Return 16 keyed bits of a password: enough to pick the hash to verify, no help to a thief."""
    return hmac.digest(key.encode(), b"fingerprint:" + normal_form(password).encode(), "sha256")[:2]


def normal_form(password: str) -> str:
    """Return a password as it is hashed: however a keyboard composes its characters."""
    return unicodedata.normalize("NFKC", password)


def _hashed(password: str, salt: str, stored: str) -> Iterable[str]:
    """Return what may have been hashed: others hash what was typed, not its normal form.

    Flask-Security's normal form is NFKD.
    """
    if not salt:
        return dict.fromkeys([normal_form(password), password])
    forms = dict.fromkeys([unicodedata.normalize("NFKD", password), password])
    return [hashes.flask_security_form(form, salt, stored) for form in forms]


def hash_now(password: str, *, rounds: int = DEFAULT_ROUNDS) -> str:
    """Return a new hash, made on this thread: for the shell and for fixtures, never for pages."""
    return _context(rounds).hash(normal_form(password))


def verify_now(password: str, stored: str | None) -> bool:
    """Whether a password fits a hash, on this thread: for the shell and fixtures, not for pages."""
    return PasswordHasher(rounds=4).verify_at_once(password, stored).is_right


@lru_cache(maxsize=4)
def _context(rounds: int) -> CryptContext:
    return CryptContext(
        schemes=[hashes.OWN, *FOREIGN_SCHEMES],
        deprecated=FOREIGN_SCHEMES,
        bcrypt_sha256__rounds=rounds,
        bcrypt__rounds=rounds,
    )


class _Nobody(NamedTuple):
    """A hash that no password fits, and the processor's ``seconds`` that one takes."""

    hash: str
    seconds: float


class PasswordHasher:
    """Hashes and verifies in a few niced threads with a bounded queue.

    Measured on two cores under a flood of logins: one niced thread keeps another page's p99 at
    8 ms, the default executor at 516 ms (two cores, bcrypt cost 12).
    """

    def __init__(
        self, *, rounds: int, threads: int = 1, waiting: int = 64, share: Share | None = None
    ) -> None:
        """``share``: this worker's part of what all have; it hashes for those that rest."""
        self._context = _context(rounds)
        self._turns = Turns(
            # One more than threads asks the database while they hash; with others it is common.
            at_once=threads if share else threads + 1,
            waiting=waiting,
            longest_seconds=LONGEST_WAIT_SECONDS,
            common=share,
        )
        most = threads * share.workers if share else threads  # they begin when they are needed
        self._threads = ThreadPoolExecutor(most, "password", initializer=_be_nice)
        self._preparing: asyncio.Task[_Nobody] | None = None

    def prepare(self) -> None:
        """Begin with what the first password has to wait for: all wait for it, whoever they are."""
        self._preparing = asyncio.create_task(self._run(lambda: self._nobody))

    def refuse_if_full(self, group: str) -> None:
        """Refuse at once who would find no place in the queue, before anything is spent on them.

        Raises:
            TooBusy: with the time to wait.
        """
        self._turns.refuse_if_full(group)

    @asynccontextmanager
    async def place(self, group: str) -> AsyncIterator[None]:
        """Hold a place at the threads; groups, the networks of ``Client.group``, take turns.

        Raises:
            TooBusy: the queue is full, or it took too long; nothing was done.
        """
        with PASSWORDS_WAITING.track_inprogress():
            async with self._turns.place(group):
                yield

    async def hash(self, password: str) -> str:
        """Return a new hash. The caller holds a ``place``."""
        return await self._run(self._hash_now, password)

    async def verify(self, password: str, stored: str | None) -> Verdict:
        """Compare a password with a stored hash; None (nobody) costs as much and is never right.

        The caller holds a ``place``.
        """
        if self._preparing is not None and not self._preparing.done():
            await asyncio.wait([self._preparing])
        return await self._run(self.verify_at_once, password, stored)

    def close(self) -> None:
        """End the threads; what waits is dropped."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    @cached_property
    def _nobody(self) -> _Nobody:
        _context(4).hash("nobody")  # loads bcrypt, which is no part of the cost
        begun = time.thread_time()
        reference = self._context.hash(secrets.token_urlsafe())
        return _Nobody(reference, time.thread_time() - begun)

    def _hash_now(self, password: str) -> str:
        return self._context.hash(normal_form(password))

    def verify_at_once(self, password: str, stored: str | None) -> Verdict:
        """Compare a password with a stored hash on this thread, as ``verify`` does elsewhere."""
        if not self._matches(password, stored or self._nobody.hash) or stored is None:
            return Verdict(is_right=False)
        foreign = stored.startswith((*hashes.WERKZEUG, hashes.FLASK_SECURITY))
        outdated = foreign or self._context.needs_update(stored)
        return Verdict(is_right=True, replacement=self._hash_now(password) if outdated else None)

    def _matches(self, password: str, stored: str) -> bool:
        begun = time.thread_time()
        try:
            inner, salt = hashes.peeled(stored)
            typed = _hashed(password, salt, inner)
            is_right = any(self._is_hash_of(text, inner) for text in typed)
        except (ValueError, TypeError, OverflowError):
            # A garbled hash, or plain bcrypt and a password that it cannot take.
            self._context.verify("nobody", self._nobody.hash)
            return False
        if not is_right:
            self._top_up(begun)
        return is_right

    def _is_hash_of(self, text: str, stored: str) -> bool:
        if stored.startswith(hashes.WERKZEUG):
            return check_password_hash(stored, text)
        return self._context.verify(text, stored)

    def _top_up(self, begun: float) -> None:
        """Work until a wrong password has cost as much as nobody's, also on a cheap old hash."""
        while time.thread_time() - begun < self._nobody.seconds:
            hashlib.pbkdf2_hmac("sha256", b"nobody", b"", TOP_UP_ROUNDS)

    async def _run(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        submitted = time.perf_counter()

        def begin() -> R:
            PASSWORD_WAIT_SECONDS.observe(time.perf_counter() - submitted)
            return work(*args, **kwargs)

        return await asyncio.wrap_future(self._threads.submit(begin))


def _be_nice() -> None:
    if sys.platform == "linux":  # elsewhere a thread has no priority of its own
        nicer = os.getpriority(os.PRIO_PROCESS, 0) + NICE
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), min(nicer, NICEST))
