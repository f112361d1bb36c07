"""A lost second factor: a wait that its owner can stop, or an operator's hand."""

from datetime import datetime

from app.context import Context
from app.kit.audit import Event
from app.kit.errors import LinkUnusable, NoSuchUser, TooManyTries
from app.kit.factor_errors import LoginExpired, NoFactorReset
from app.kit.links import FACTOR_RESET_VALID_MINUTES, open_link
from app.kit.permissions import Permission
from app.kit.sealing import Purpose
from app.kit.tokens import digest
from app.mail import factor_messages
from app.models import credentials, factor_reset, outbox, pending_login, rate_limit, token
from app.models import user as users
from app.models.token import LinkOwner
from app.steps import authorization, email_limits, factor_change, factor_waits, one_time_links
from app.steps.recording import note, record


async def ask(ctx: Context) -> None:
    """Send who has shown their password a link on which the wait begins.

    Raises:
        LoginExpired: nobody has, or too long ago.
        NoFactorReset: they are an administrator.
        TooManyTries: from this network.
    """
    found = wait = None
    is_administrator = False
    async with ctx.db.begin():
        if ctx.pending_login is not None:
            found = await pending_login.find(ctx.db, digest(ctx.pending_login))
        user = found and await credentials.lock(ctx.db, found.user_id)
        if user is not None:
            held = await users.permissions_of(ctx.db, user.id, holding=False)
            is_administrator = Permission.ADMIN in held
            wait = await rate_limit.take_all(ctx.db, email_limits.of_network(ctx))
        if user is not None and not is_administrator and not wait:
            await note(ctx, Event.FACTOR_RESET_ASKED, subject_id=user.id)
            if not await email_limits.is_withheld(ctx, email_limits.EmailKind.FACTOR, user.email):
                await token.void(ctx.db, user.id, Purpose.FACTOR_RESET)
                message = factor_messages.lost_factor(
                    to=user.email,
                    site=ctx.brand,
                    username=user.username,
                    link=await one_time_links.link(
                        ctx, Purpose.FACTOR_RESET, user_id=user.id, email=user.email
                    ),
                    valid_minutes=FACTOR_RESET_VALID_MINUTES,
                )
                await outbox.put(ctx.db, message)
    if user is None:
        raise LoginExpired
    if is_administrator:
        raise NoFactorReset
    if wait:
        raise TooManyTries(wait)


async def find(ctx: Context, *, sealed: str, purpose: Purpose) -> LinkOwner:
    """Return whom a link is for, without using it up.

    Raises:
        LinkUnusable: used, expired, foreign or garbled.
    """
    key = open_link(purpose, sealed, keys=ctx.config.signing_keys)
    async with ctx.db.begin():
        owner = await token.find_owner(ctx.db, key, purpose=purpose) if key else None
    if owner is None:
        raise LinkUnusable
    return owner


async def begin_wait(ctx: Context, *, sealed: str) -> datetime:
    """Begin the wait by the link; return when it ends. Emails tell of it, each with a way out.

    Raises:
        LinkUnusable: used, expired, foreign, garbled, or an administrator's by now.
    """
    key = open_link(Purpose.FACTOR_RESET, sealed, keys=ctx.config.signing_keys)
    due_at = None
    async with ctx.db.begin():
        taken = key and await token.take(ctx.db, key, purpose=Purpose.FACTOR_RESET)
        user = taken and await credentials.lock(ctx.db, taken.user_id)
        if taken and user and taken.email == user.email and user.factors:
            held = await users.permissions_of(ctx.db, user.id, holding=False)
            if Permission.ADMIN not in held:
                due_at = await factor_waits.begin(ctx, user)
    if due_at is None:
        raise LinkUnusable
    return due_at


async def stop(ctx: Context, *, sealed: str) -> None:
    """End a wait by the link of one of its emails: the factors stay.

    Raises:
        LinkUnusable: used, expired, foreign or garbled.
    """
    key = open_link(Purpose.KEEP_FACTORS, sealed, keys=ctx.config.signing_keys)
    async with ctx.db.begin():
        taken = key and await token.take(ctx.db, key, purpose=Purpose.KEEP_FACTORS)
        if taken and await factor_reset.cancel(ctx.db, taken.user_id):
            await token.void(ctx.db, taken.user_id, Purpose.KEEP_FACTORS, Purpose.FACTOR_RESET)
            await note(ctx, Event.FACTOR_RESET_STOPPED, subject_id=taken.user_id)
    if not taken:
        raise LinkUnusable


async def remove(ctx: Context, *, name: str, reason: str) -> bool:
    """Remove a user's factors as an operator: they are told, and signed out everywhere (MF-10).

    Returns:
        False if they had none.

    Raises:
        NoSuchUser: nobody has this name.
    """
    is_done = False
    async with ctx.db.begin():
        known = await authorization.act_upon(ctx, name)
        user = known and await credentials.find_by_id(ctx.db, known.id)
        if user is not None:
            is_done = await factor_change.remove_all(ctx, user.id)
        if user is not None and is_done:
            detail = {"reason": reason} if reason else {}
            await record(ctx, Event.FACTORS_RESET, subject_id=user.id, **detail)
            await factor_waits.tell_removed(ctx, user)
    if user is None:
        raise NoSuchUser
    return is_done
