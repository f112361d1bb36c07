"""Confirming an address: the link of an email makes an account of a registration."""

from collections.abc import Iterable
from typing import NamedTuple

from app.config import Config
from app.context import Context
from app.kit import password_policy
from app.kit.errors import LinkUnusable, TooManyTries, UsernameTaken, WrongPassword
from app.kit.links import VALID, open_link
from app.kit.sealing import Purpose, unseal
from app.limits import limits
from app.models import credentials, rate_limit, token
from app.models import registration as registrations
from app.models import user as users
from app.models.registration import Pending
from app.steps import activation, session_start
from app.steps.session_start import FactorDue, Shown, SignedIn

__all__ = ["FactorDue", "OpenConfirmation", "SignedIn", "confirm", "open_confirmation"]


class OpenConfirmation(NamedTuple):
    """A confirmation link that could be used now.

    ``has_receipt``: the browser is the one that registered, so that a button is enough. In any
    other the user shows by the password that this registration is their own (TK-13).
    """

    username: str
    email: str
    has_receipt: bool


async def open_confirmation(
    ctx: Context, *, sealed: str, receipts: Iterable[str]
) -> OpenConfirmation:
    """Return what a confirmation link is about, without using it up.

    Raises:
        LinkUnusable: used, expired, foreign or garbled.
    """
    async with ctx.db.begin():
        pending = await _find(ctx, sealed)
    if pending is None:
        raise LinkUnusable("confirmation")
    return OpenConfirmation(
        pending.username, pending.email, _is_shown(ctx.config, pending, receipts)
    )


async def confirm(
    ctx: Context,
    *,
    sealed: str,
    receipts: Iterable[str],
    password: str,
    signs_in: bool = False,
) -> SignedIn | FactorDue | None:
    """Make an account of a registration by its link; of any number of clicks one wins.

    ``receipts`` are what ``register`` returned to this browser; without the right one ``password``
    has to be the registration's. The address ``ADMIN_EMAIL`` becomes Administrator now.

    ``signs_in``: start a session too. Whoever confirms has opened the link, and has typed the
    password: now, or in this browser when it registered. A stranger's registration (TK-13) has
    neither its receipt nor its password in the browser of the address' owner.

    Returns:
        What a login would; None if there is none.

    Raises:
        LinkUnusable: used, expired, foreign, garbled, or the address has an account by now.
        UsernameTaken: the username went to somebody else meanwhile.
        WrongPassword: neither receipt nor password show that it is the user's own registration.
        TooManyTries: of passwords for this registration.
        TooBusy: too many passwords wait to be checked.
    """
    async with ctx.db.begin():
        pending = await _find(ctx, sealed)
    if pending is None:
        raise LinkUnusable("confirmation")
    if not _is_shown(ctx.config, pending, receipts):
        await _check_password(ctx, pending, password)
    async with ctx.db.begin():
        confirmed = await activation.activate(ctx, pending, password_hash=pending.password_hash)
        user = await credentials.find(ctx.db, pending.email)
        name_is_gone = user is None and await users.is_username_taken(ctx.db, pending.username)
        started = None
        if confirmed and user is not None and signs_in:
            started = await session_start.start(
                ctx, user, shown=Shown.PASSWORD, remember=False, buckets=()
            )
    if name_is_gone:
        raise UsernameTaken("register_again")
    if not confirmed:
        raise LinkUnusable("already_confirmed")
    return started


async def _find(ctx: Context, sealed: str) -> Pending | None:
    digest = open_link(Purpose.CONFIRM, sealed, keys=ctx.config.signing_keys)
    registration_id = digest and await token.find_registration(ctx.db, digest)
    return await registrations.find(ctx.db, registration_id) if registration_id else None


def _is_shown(config: Config, pending: Pending, receipts: Iterable[str]) -> bool:
    keys, valid = config.signing_keys, VALID[Purpose.CONFIRM]
    shown = {unseal(keys, Purpose.REGISTERED, receipt, valid=valid) for receipt in receipts}
    return str(pending.id) in shown


async def _check_password(ctx: Context, pending: Pending, password: str) -> None:
    if not password:
        raise WrongPassword("none_of_registration")
    if not password_policy.fits(password):
        raise WrongPassword("of_registration")
    async with ctx.hasher.place(ctx.client.group):
        async with ctx.db.begin():
            policy = limits(ctx.config).logins_of_account
            attempt = await rate_limit.take_delayed(ctx.db, f"confirm:{pending.id}", policy)
        if attempt.wait:
            raise TooManyTries(attempt.wait)
        verdict = await ctx.hasher.verify(password, pending.password_hash)
    if not verdict.is_right:
        raise WrongPassword("of_registration")
