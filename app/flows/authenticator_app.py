"""Authenticator apps: setting one up, and removing it."""

from typing import NamedTuple
from uuid import uuid4

from app.context import Context
from app.db import autocommit
from app.kit import totp
from app.kit.audit import Event
from app.kit.encryption import seal
from app.kit.errors import Refusal, SignedOut, TooManyTries
from app.kit.factor_errors import FactorNeeded, NoSuchFactor, WrongCode
from app.models import app_secret, credentials, factor, passkey, recovery_code
from app.steps import authorization, factor_change, factor_check
from app.steps.session_renewal import Renewed


class SetUp(NamedTuple):
    """What an app is told: the ``address`` as a QR code, or the ``secret`` typed by hand."""

    secret: str
    address: str


class AddedApp(NamedTuple):
    """``codes``: new recovery codes, shown once; empty for who had some already."""

    renewed: Renewed
    codes: list[str]


async def begin(ctx: Context) -> None:
    """Make a secret for an app; one that was begun before is void (MF-05).

    Raises:
        SignedOut, TooManyTries: as ``authorization.hold`` does.
    """
    made, row_id = totp.new_secret(), uuid4()
    sealed = seal(ctx.config.signing_keys, made.secret, row_id=row_id)
    async with ctx.db.begin():
        await authorization.hold(ctx)
        await app_secret.begin(ctx.db, ctx.user_id, row_id=row_id, sealed=sealed)


async def begun(ctx: Context) -> SetUp:
    """Return what the app is to be told, until its first code is shown.

    Raises:
        NoSuchFactor: nothing was begun, or too long ago.
        SignedOut: the session has ended meanwhile.
    """
    async with autocommit(ctx.db):
        await authorization.ask_again(ctx)
        stored = await app_secret.find_begun(ctx.db, ctx.user_id)
        user = await credentials.find_by_id(ctx.db, ctx.user_id)
    app = stored and factor_check.opened(ctx.config, stored)
    if app is None or user is None:
        raise NoSuchFactor
    address = totp.address(app, site=ctx.config.site_name, username=ctx.config.called(user))
    return SetUp(app.text, address)


async def confirm(ctx: Context, *, code: str) -> AddedApp:
    """Let an app count that shows its first code; it takes the place of the one before.

    Raises:
        WrongCode: of another app, or of another time.
        NoSuchFactor: nothing was begun, or too long ago.
        TooManyTries: of this user's codes.
        SignedOut: the session has ended meanwhile.
    """
    async with ctx.db.begin():
        wait = await factor_check.count_code(ctx, ctx.user_id)
    if wait:
        raise TooManyTries(wait)
    async with ctx.db.begin():
        await authorization.hold(ctx)
        outcome = await _confirm(ctx, code)
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome


async def remove(ctx: Context) -> Renewed:
    """Remove one's app; all other browsers are signed out.

    Raises:
        NoSuchFactor: there is none.
        FactorNeeded: it is the last factor, and the role wants one.
        SignedOut: the session has ended meanwhile.
    """
    async with ctx.db.begin():
        await authorization.hold(ctx)
        outcome: Renewed | Refusal | None = FactorNeeded()
        others = await passkey.of_user(ctx.db, ctx.user_id)
        if others or not await factor.is_required(ctx.db, ctx.user_id):
            outcome = NoSuchFactor()
            if await app_secret.remove(ctx.db, ctx.user_id):
                outcome = await factor_change.settle(
                    ctx, Event.APP_REMOVED, what=factor_change.REMOVED_APP
                )
    if isinstance(outcome, Refusal):
        raise outcome
    if outcome is None:
        raise SignedOut
    return outcome


async def _confirm(ctx: Context, typed: str) -> AddedApp | Refusal:
    stored = await app_secret.find_begun(ctx.db, ctx.user_id)
    app = stored and factor_check.opened(ctx.config, stored)
    if stored is None or app is None:
        return NoSuchFactor()
    code = totp.clean(typed)
    step = code and totp.step_of(app, code, now=float(stored.now))
    if not step:
        return WrongCode("app")
    await app_secret.retire(ctx.db, ctx.user_id)
    if not await app_secret.confirm(ctx.db, stored.id, step=step):
        return NoSuchFactor()
    codes = await _first_codes(ctx)
    await factor_check.forget_failures(ctx, ctx.user_id)
    renewed = await factor_change.settle(
        ctx, Event.APP_ADDED, what=factor_change.ADDED_APP, shows_factor=True
    )
    return AddedApp(renewed, codes) if renewed else SignedOut()


async def _first_codes(ctx: Context) -> list[str]:
    if await recovery_code.count(ctx.db, ctx.user_id):
        return []
    return await factor_change.make_codes(ctx, ctx.user_id)
