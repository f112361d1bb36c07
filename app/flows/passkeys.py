"""Passkeys: adding, naming and removing them."""

from typing import NamedTuple
from uuid import UUID

from app.context import Context
from app.kit import passkeys
from app.kit.audit import Event
from app.kit.errors import Refusal, SignedOut
from app.kit.factor_errors import FactorNeeded, NoSuchFactor, PasskeyRefused, TooManyPasskeys
from app.kit.passkeys import Born, WrongAnswer
from app.kit.tokens import new_challenge
from app.models import app_secret, credentials, factor, passkey, recovery_code
from app.models import challenge as challenges
from app.models.challenge import Use
from app.steps import authorization, factor_change, factor_check
from app.steps.recording import record
from app.steps.session_renewal import Renewed

NAME_LONGEST = passkey.NAME_LONGEST


class AddedPasskey(NamedTuple):
    """``codes``: new recovery codes, shown once; empty for who had some already."""

    renewed: Renewed
    codes: list[str]


async def options(ctx: Context) -> str | None:
    """Return what the browser is asked to make, as JSON; None where there can be no passkeys."""
    site = factor_check.site(ctx.config)
    if site is None:
        return None
    challenge = new_challenge()
    async with ctx.db.begin():
        user = await credentials.find_by_id(ctx.db, ctx.user_id)
        present = await passkey.credential_ids(ctx.db, ctx.user_id, domain=site.domain)
        await challenges.put(ctx.db, ctx.session_id, Use.ADD, challenge)
    return passkeys.creation_options(
        site,
        challenge=challenge,
        user_id=ctx.user_id,
        username=ctx.config.called(user) if user else "",
        present=present,
    )


async def add(ctx: Context, *, answer: str, name: str) -> AddedPasskey:
    """Add a passkey that the browser made; what it was asked to sign is used up in any case.

    Raises:
        PasskeyRefused: garbled, of another site, to another challenge, or somebody's already.
        TooManyPasskeys: there are as many as there may be.
        SignedOut: the session has ended meanwhile.
    """
    async with ctx.db.begin():
        challenge = await challenges.take(ctx.db, ctx.session_id, Use.ADD)
    born = _born(ctx, answer, challenge)
    async with ctx.db.begin():
        await authorization.hold(ctx)
        outcome = await _add(ctx, born, name)
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome


async def rename(ctx: Context, *, passkey_id: UUID, name: str) -> None:
    """Name one of one's passkeys.

    Raises:
        NoSuchFactor: it is not the user's.
        SignedOut: the session has ended meanwhile.
    """
    async with ctx.db.begin():
        await authorization.hold(ctx)
        renamed = await passkey.rename(ctx.db, ctx.user_id, passkey_id, name=name)
        if renamed:
            await record(ctx, Event.PASSKEY_RENAMED, subject_id=ctx.user_id)
    if not renamed:
        raise NoSuchFactor


async def remove(ctx: Context, *, passkey_id: UUID) -> Renewed:
    """Remove one of one's passkeys; all other browsers are signed out.

    Raises:
        NoSuchFactor: it is not the user's.
        FactorNeeded: it is the last factor, and the role wants one (PK-06).
        SignedOut: the session has ended meanwhile.
    """
    async with ctx.db.begin():
        await authorization.hold(ctx)
        outcome = await _remove(ctx, passkey_id)
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome


def _born(ctx: Context, answer: str, challenge: bytes | None) -> Born | None:
    site = factor_check.site(ctx.config)
    if site is None or challenge is None:
        return None
    try:
        return passkeys.verify_new(site, answer, challenge=challenge)
    except WrongAnswer:
        return None


async def _add(ctx: Context, born: Born | None, name: str) -> AddedPasskey | Refusal:
    site = factor_check.site(ctx.config)
    if born is None or site is None:
        return PasskeyRefused("not_added")
    if len(await passkey.of_user(ctx.db, ctx.user_id)) >= passkey.PER_USER:
        return TooManyPasskeys()
    if not await passkey.add(ctx.db, ctx.user_id, born, domain=site.domain, name=name):
        return PasskeyRefused("in_use")
    codes = []
    if not await recovery_code.count(ctx.db, ctx.user_id):
        codes = await factor_change.make_codes(ctx, ctx.user_id)
    renewed = await factor_change.settle(
        ctx, Event.PASSKEY_ADDED, what=factor_change.ADDED_PASSKEY, shows_factor=True
    )
    return AddedPasskey(renewed, codes) if renewed else SignedOut()


async def _remove(ctx: Context, passkey_id: UUID) -> Renewed | Refusal:
    present = {each.id for each in await passkey.of_user(ctx.db, ctx.user_id)}
    if passkey_id not in present:
        return NoSuchFactor()
    is_last = len(present) == 1 and await app_secret.find(ctx.db, ctx.user_id) is None
    if is_last and await factor.is_required(ctx.db, ctx.user_id):
        return FactorNeeded()
    await passkey.remove(ctx.db, ctx.user_id, passkey_id)
    renewed = await factor_change.settle(
        ctx, Event.PASSKEY_REMOVED, what=factor_change.REMOVED_PASSKEY
    )
    return renewed or SignedOut()
