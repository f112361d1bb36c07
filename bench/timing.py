"""Whether the time of an answer tells something about the account (EN-02, EN-04).

    python -m bench timing [--form login|reset] [--samples 45]

Starts its own server and its own database, at the real cost of a password; stops both. Asks for
each kind of account in turn, one client, and prints each one's median against a name that nobody
has: the difference in per cent, and the p of a Mann-Whitney test (small: they can be told apart).
"""

import argparse
import asyncio
import math
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import URL, make_url, text

from app import embedded, schema
from app.config import Config
from app.services import opened
from bench.flood import ask
from tests.server import environment, serving
from tests.users import ALICE, BOB, Someone, block, create_user, register

LATE = Someone("late", "late@example.com", "late comes too late")
EMPTY = Someone("empty", "empty@example.com", "empty has no password")
KINDS = {
    "nobody": "nobody@example.com",
    "wrong password": ALICE.email,
    "blocked": BOB.email,
    "unconfirmed": LATE.email,
    "no password yet": EMPTY.email,
}
FORMS = {"login": ("/login", "&password=wrong", 401), "reset": ("/reset", "", 200)}
MOST_LOGINS = 47
SETTINGS = {"secret_key": "bench-9fK2mQ7xR4tB8wZ1cV6nJ3hL5pDs", "bcrypt_rounds": 12}


async def users(url: URL) -> None:
    async with opened(Config.model_validate(SETTINGS), url) as services:
        await create_user(services, ALICE)
        await create_user(services, BOB)
        await block(services, BOB)
        await create_user(services, EMPTY)
        await register(services, LATE)
        async with services.engine.begin() as connection:
            await connection.execute(
                text("UPDATE users SET password_hash = NULL WHERE username = 'empty'")
            )


async def sample(port: int, form: str, samples: int) -> dict[str, list[float]]:
    """Return each kind's seconds, taken in turn so that the machine's moods hit all alike."""
    path, more, right_status = FORMS[form]
    found: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for round_ in range(samples + 2):
        for kind, name in KINDS.items():
            status, seconds, _ = await ask(port, "POST", path, f"email_or_user={name}{more}")
            if status != right_status:
                raise RuntimeError(f"{kind} answered {status}")
            if round_ >= 2:  # the first ones warm up
                found[kind].append(seconds)
    return found


def mann_whitney(one: list[float], other: list[float]) -> float:
    """Return the two-sided p that both come from the same distribution (normal approximation)."""
    ranked = sorted([(value, 0) for value in one] + [(value, 1) for value in other])
    ranks = sum(rank for rank, (_, side) in enumerate(ranked, 1) if side == 0)
    n, m = len(one), len(other)
    u = ranks - n * (n + 1) / 2
    z = (u - n * m / 2) / math.sqrt(n * m * (n + m + 1) / 12)
    return math.erfc(abs(z) / math.sqrt(2))


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--form", default="login", choices=FORMS)
    parser.add_argument("--samples", type=int, default=45, choices=range(5, 201), metavar="5…200")
    options = parser.parse_args(arguments)
    if options.form == "login" and options.samples > MOST_LOGINS:
        parser.error(f"at most {MOST_LOGINS} logins of a kind: more are slowed down")
    with tempfile.TemporaryDirectory(prefix="vestibule-bench-") as home:
        Path(home).chmod(0o755)
        with embedded.served(Path(home)) as url:
            schema.migrate(make_url(url))
            asyncio.run(users(make_url(url)))
            settings = environment(
                make_url(url), BCRYPT_ROUNDS="12", WORKERS="1", ACCOUNT_LONGEST_WAIT_SECONDS="1",
                ACCOUNT_FREE_FAILURES="50", EMAILS_PER_ADDRESS_HOUR="100000",
            )  # fmt: skip
            with serving(settings) as server:
                found = asyncio.run(sample(server.port, options.form, options.samples))
    base = found["nobody"]
    for kind, seconds in found.items():
        median, ratio = (
            statistics.median(seconds),
            statistics.median(seconds) / statistics.median(base),
        )
        apart = f"p {mann_whitney(seconds, base):.3f}" if seconds is not base else ""
        print(f"{kind:16} median {median * 1000:6.1f} ms  {(ratio - 1) * 100:+5.1f} %  {apart}")


if __name__ == "__main__":
    main(sys.argv[1:])
