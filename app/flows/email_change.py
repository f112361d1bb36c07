"""Changing one's address: the new one is asked, the old one is told, and stays until then."""

from typing import NamedTuple

from app.context import Context
from app.db import autocommit
from app.kit.audit import Event
from app.kit.errors import LinkUnusable, SameAddress, SignedOut, TooManyTries
from app.kit.links import CHANGE_EMAIL_VALID_MINUTES, open_link
from app.kit.sealing import Purpose
from app.mail import messages
from app.mail.message import Message
from app.models import address, credentials, outbox, rate_limit, token
from app.models import session as sessions
from app.models.credentials import Credentials
from app.steps import (
    authorization,
    email_limits,
    notices,
    one_time_links,
    password_check,
    session_renewal,
)
from app.steps.recording import note, record
from app.steps.registration_policy import require_allowed
from app.steps.session_renewal import Renewed


class OpenEmailChange(NamedTuple):
    """A link that could be used now: whose address would become what."""

    username: str
    email: str


async def request_change(ctx: Context, *, email: str, password: str) -> None:
    """Write to a new address, and tell the old one; nothing changes until the link is used.

    The same whether or not the new address is somebody's: its owner gets the email that fits
    (EN-04). The limit of an address is silent. Older links are void.

    Raises:
        AddressNotAllowed: it is of a domain that cannot be used here.
        SameAddress: it is the user's already.
        WrongPassword: it is not theirs.
        TooManyTries: of passwords, shared with the login; or emails from this network.
        TooBusy: too many passwords wait to be checked.
        SignedOut: the user's credentials changed, or they were blocked, meanwhile.
    """
    require_allowed(ctx.config, email)
    user = await password_check.check_password(ctx, password)
    if email == user.email:
        raise SameAddress
    async with autocommit(ctx.db):
        wait = await rate_limit.take_all(ctx.db, email_limits.of_network(ctx))
    if wait:
        raise TooManyTries(wait)
    user_id = ctx.user_id
    async with ctx.db.begin():
        await authorization.hold(ctx)
        is_same = await credentials.hold_unchanged(ctx.db, user)
        if is_same:
            await record(ctx, Event.EMAIL_CHANGE_ASKED, subject_id=user_id)
            if not await email_limits.is_withheld(ctx, email_limits.EmailKind.EMAIL, email):
                await outbox.put(ctx.db, await _ask(ctx, user, email))
                await notices.tell(ctx, user, messages.email_asked, email=email)
    if not is_same:
        raise SignedOut


async def cancel_change(ctx: Context) -> None:
    """Take back a change of address that waits for its link; without one nothing happens.

    Raises:
        SignedOut: the session has ended meanwhile.
    """
    user_id = ctx.user_id
    async with ctx.db.begin():
        await authorization.hold(ctx)
        if await token.void(ctx.db, user_id, Purpose.CHANGE_EMAIL):
            await record(ctx, Event.EMAIL_CHANGE_CANCELLED, subject_id=user_id)


async def open_change(ctx: Context, *, sealed: str) -> OpenEmailChange:
    """Return what a link is about, without using it up.

    Raises:
        LinkUnusable: used, expired, foreign or garbled.
    """
    digest = open_link(Purpose.CHANGE_EMAIL, sealed, keys=ctx.config.signing_keys)
    async with ctx.db.begin():
        found = digest and await token.find(ctx.db, digest, purpose=Purpose.CHANGE_EMAIL)
        user = found and await credentials.find_by_id(ctx.db, found.user_id)
    if not found or not user:
        raise LinkUnusable
    return OpenEmailChange(user.username, found.email or "")


async def confirm_change(ctx: Context, *, sealed: str) -> Renewed | None:
    """Change an address by the link; of any number of clicks one wins. All sessions end.

    ``secret`` is the session of the browser in which the link was opened: if it is the user's,
    it goes on under a new secret, which is returned.

    Raises:
        LinkUnusable: used, expired, foreign, garbled, the user is blocked, or the address is
            another's by now.
    """
    digest = open_link(Purpose.CHANGE_EMAIL, sealed, keys=ctx.config.signing_keys)
    version, renewed = None, None
    async with ctx.db.begin():
        taken = digest and await token.take(ctx.db, digest, purpose=Purpose.CHANGE_EMAIL)
        user = taken and await credentials.find_by_id(ctx.db, taken.user_id)
        if taken and user and taken.email and user.blocked_at is None:
            version = await credentials.set_email(ctx.db, user.id, taken.email)
            if version is not None:
                renewed = await _apply(ctx, user, taken.email, version)
    if not taken or not user or user.blocked_at is not None:
        raise LinkUnusable
    if version is None:
        raise LinkUnusable("address_taken")
    return renewed


async def _ask(ctx: Context, user: Credentials, email: str) -> Message:
    """Return the email to a new address: with a link, or to its owner that it is in use.

    Either way the address waits, for the account's page says so; a link that nobody gets opens
    nothing.
    """
    await token.void(ctx.db, user.id, Purpose.CHANGE_EMAIL)
    owner = await credentials.find(ctx.db, email)
    link = await one_time_links.link(ctx, Purpose.CHANGE_EMAIL, user_id=user.id, email=email)
    if owner is not None and owner.id != user.id:
        return messages.address_in_use(
            to=owner.email,
            site=ctx.brand,
            username=owner.username,
            login_url=f"{ctx.config.public_url}/login",
        )
    return messages.confirm_new_address(
        to=email,
        site=ctx.brand,
        username=user.username,
        link=link,
        valid_minutes=CHANGE_EMAIL_VALID_MINUTES,
    )


async def _apply(ctx: Context, user: Credentials, email: str, version: int) -> Renewed | None:
    renewed = None
    if ctx.session_secret is None:
        await sessions.end_all(ctx.db, user.id)
    else:
        renewed = await session_renewal.keep_only(ctx, user.id, version=version, is_fresh=False)
    await token.void(ctx.db, user.id, Purpose.RESET, Purpose.CHANGE_EMAIL)
    await address.note(ctx.db, user.id, before=user.email, now=email)
    await note(ctx, Event.EMAIL_CHANGED, subject_id=user.id)
    await notices.tell(ctx, user, messages.email_changed, email=email)
    return renewed
