"""One's second factors as a whole: what there is, recovery codes, trusted browsers."""

from datetime import datetime
from typing import NamedTuple

from app.context import Context
from app.db import autocommit
from app.kit.audit import Event
from app.kit.errors import SignedOut
from app.kit.factor_errors import NoSuchFactor
from app.models import app_secret, factor_reset, known_browser, passkey, recovery_code
from app.models.passkey import ListedPasskey
from app.steps import authorization, factor_change, factor_check
from app.steps.recording import record
from app.steps.session_renewal import Renewed


class AppShown(NamedTuple):
    """An authenticator app, as its owner sees it."""

    created_at: datetime
    used_at: datetime | None


class SecurityOverview(NamedTuple):
    """What the security page says. ``passkeys_work``: whether this site can have any."""

    app: AppShown | None
    passkeys: list[ListedPasskey]
    codes_left: int
    trusted: int
    removal_at: datetime | None
    passkeys_work: bool

    @property
    def has_factor(self) -> bool:
        """Whether there is any."""
        return self.app is not None or bool(self.passkeys)


class NewCodes(NamedTuple):
    """``codes`` are shown once, and kept nowhere."""

    codes: list[str]
    renewed: Renewed


async def overview(ctx: Context) -> SecurityOverview:
    """Return what a user has."""
    async with autocommit(ctx.db):
        app = await app_secret.find(ctx.db, ctx.user_id)
        return SecurityOverview(
            AppShown(app.created_at, app.used_at) if app else None,
            await passkey.of_user(ctx.db, ctx.user_id),
            await recovery_code.count(ctx.db, ctx.user_id),
            await known_browser.count_trusted(ctx.db, ctx.user_id),
            await factor_reset.due_at(ctx.db, ctx.user_id),
            factor_check.site(ctx.config) is not None,
        )


async def new_codes(ctx: Context) -> NewCodes:
    """Make a new set of recovery codes; the old set is dead, other browsers are signed out.

    Raises:
        NoSuchFactor: there is no factor that they could stand in for.
        SignedOut: the session has ended meanwhile.
    """
    renewed = None
    async with ctx.db.begin():
        await authorization.hold(ctx)
        has_factor = (
            await app_secret.find(ctx.db, ctx.user_id) is not None
            or await passkey.of_user(ctx.db, ctx.user_id) != []
        )
        if has_factor:
            codes = await factor_change.make_codes(ctx, ctx.user_id)
            renewed = await factor_change.settle(
                ctx, Event.RECOVERY_CODES_MADE, what=factor_change.NEW_CODES
            )
    if not has_factor:
        raise NoSuchFactor("none")
    if renewed is None:
        raise SignedOut
    return NewCodes(codes, renewed)


async def distrust(ctx: Context) -> int:
    """Ask for the second factor in every browser again; return how many were trusted.

    Raises:
        SignedOut: the session has ended meanwhile.
    """
    async with ctx.db.begin():
        await authorization.hold(ctx)
        number = await known_browser.distrust_all(ctx.db, ctx.user_id)
        if number:
            await record(ctx, Event.BROWSERS_DISTRUSTED, subject_id=ctx.user_id, number=number)
    return number
