"""Signing in by a passkey alone: it counts as both factors."""

from datetime import timedelta
from typing import NamedTuple

from app.context import Context
from app.kit import passkeys
from app.kit.errors import TooManyTries
from app.kit.factor_errors import PasskeyRefused
from app.kit.metrics import LOGINS, counted
from app.kit.sealing import Purpose, seal, unseal
from app.kit.tokens import digest, new_challenge
from app.models import challenge as challenges
from app.models import credentials
from app.models.passkey import KnownPasskey
from app.steps import factor_check, session_start
from app.steps.session_start import Shown, SignedIn

__all__ = ["CHALLENGE_SECONDS", "Asked", "SignedIn", "ask", "sign_in"]

CHALLENGE_SECONDS = 300


class Asked(NamedTuple):
    """``options``: what to ask the browser for, as JSON. ``sealed`` goes into its cookie."""

    options: str
    sealed: str


def ask(ctx: Context) -> Asked | None:
    """Return what to ask whoever comes for, known or not (EN-06); None where passkeys are none.

    Nothing is written down: the challenge is sealed, and bound to the browser by its cookie.
    """
    site = factor_check.site(ctx.config)
    if site is None:
        return None
    challenge = new_challenge()
    sealed = seal(ctx.config.signing_keys, Purpose.PASSKEY, passkeys.encoded(challenge))
    return Asked(passkeys.request_options(site, challenge=challenge), sealed)


@counted(LOGINS)
async def sign_in(ctx: Context, *, answer: str, sealed: str, remember: bool) -> SignedIn:
    """Sign in who shows a passkey, to a challenge of this browser; it is used up in any case.

    Raises:
        TooManyTries: from this network.
        PasskeyRefused: unknown, not born fit for this, its user not verified, a copy, or somebody
            who may not sign in: nobody learns which (PK-07).
    """
    read = factor_check.read(answer)
    is_asked = read is not None and passkeys.encoded(read.challenge) == unseal(
        ctx.config.signing_keys,
        Purpose.PASSKEY,
        sealed,
        valid=timedelta(seconds=CHALLENGE_SECONDS),
    )
    async with ctx.db.begin():
        wait = await factor_check.count_network(ctx)
        is_unused = not wait and await challenges.spend(ctx.db, digest(sealed))
    if wait:
        raise TooManyTries(wait)
    outcome = None
    if read is not None and is_asked and is_unused:
        async with ctx.db.begin():
            known = await factor_check.find(ctx, read)
            if known is not None and read.user_handle == known.user_id:
                outcome = await _sign_in(ctx, known, read, remember=remember)
    if outcome is None:
        raise PasskeyRefused
    return outcome


async def _sign_in(
    ctx: Context, known: KnownPasskey, answer: passkeys.PasskeyAnswer, *, remember: bool
) -> SignedIn | None:
    user = await credentials.lock(ctx.db, known.user_id)
    shown = await factor_check.show(ctx, known, answer, answer.challenge)
    if user is None or shown is None or not (known.is_first_factor and shown.is_user_verified):
        return None
    started = await session_start.start(ctx, user, shown=Shown.PASSKEY, remember=remember)
    return started if isinstance(started, SignedIn) else None
