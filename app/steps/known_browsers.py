"""The names of its own that a browser gets when people sign in with it (BF-05).

One for each person, so that nobody can leave a name behind in a browser that others use, and be
known as them elsewhere.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from app.config import Config
from app.context import Context
from app.kit.sealing import Purpose, seal, unseal
from app.kit.tokens import digest, new_secret
from app.models import known_browser

BETWEEN = "~"
MOST_NAMES = 4


class Named(NamedTuple):
    """``text`` goes into a cookie; ``is_new``: the user has not signed in with it before."""

    text: str
    is_new: bool


def name_digests(config: Config, sealed: str | None) -> list[bytes]:
    """Return the digests of a browser's names, as far as we gave them to it."""
    return [digest(name) for name in _names(config, sealed)]


async def remember(ctx: Context, user_id: UUID, sealed: str | None) -> Named:
    """Know a browser as a user's from now on; it gets a name for them if it has none."""
    names = _names(ctx.config, sealed)
    known = await known_browser.known_among(ctx.db, user_id, [digest(name) for name in names])
    own = next((name for name in names if digest(name) == known), None) or new_secret().text
    is_new = await known_browser.remember(ctx.db, user_id, digest(own))
    return Named(_sealed(ctx.config, [own, *(name for name in names if name != own)]), is_new)


async def is_trusted(ctx: Context, user_id: UUID) -> bool:
    """Whether the browser is one in which a user is not asked for their second factor."""
    digests = name_digests(ctx.config, ctx.browser)
    return bool(digests) and await known_browser.is_trusted(ctx.db, user_id, digests)


async def trust(ctx: Context, user_id: UUID, named: Named) -> Named:
    """Ask a user for no second factor in a browser for ``TRUST_DAYS``; it gets a fresh name."""
    own, *others = _names(ctx.config, named.text)
    fresh = new_secret()
    await known_browser.trust(
        ctx.db,
        user_id,
        digest(own),
        new_digest=fresh.digest,
        term=timedelta(days=ctx.config.trust_days),
    )
    return Named(_sealed(ctx.config, [fresh.text, *others]), named.is_new)


def _names(config: Config, sealed: str | None) -> list[str]:
    valid = timedelta(days=config.known_browser_days)
    parts = (sealed or "").split(BETWEEN)[:MOST_NAMES]
    found = [
        unseal(config.signing_keys, Purpose.KNOWN_BROWSER, part, valid=valid) for part in parts
    ]
    return [name for name in found if name is not None]


def _sealed(config: Config, names: Sequence[str]) -> str:
    return BETWEEN.join(
        seal(config.signing_keys, Purpose.KNOWN_BROWSER, name) for name in names[:MOST_NAMES]
    )
