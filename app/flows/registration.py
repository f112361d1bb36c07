"""Registering: asking for an account, and for the email once more."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from app.context import Context
from app.db import autocommit
from app.kit import passwords
from app.kit.audit import Event
from app.kit.errors import (
    LinkUnusable,
    NoSuchRegistration,
    TermsNotAccepted,
    TooManyTries,
    UsernameTaken,
)
from app.kit.links import CONFIRM_VALID_HOURS, VALID
from app.kit.sealing import Purpose, seal, unseal
from app.limits import limits, of_networks
from app.mail import messages
from app.models import credentials, outbox, rate_limit
from app.models import registration as registrations
from app.models import user as users
from app.models.rate_limit import Rates
from app.models.registration import ListedRegistration, Pending
from app.steps import (
    authorization,
    email_limits,
    new_password,
    one_time_links,
    reset_links,
    usernames,
)
from app.steps import profile as profiles
from app.steps.recording import note, record
from app.steps.registration_policy import require_allowed, require_open

__all__ = [
    "ListedRegistration",
    "register",
    "require_open",
    "resend",
    "send_again",
    "waiting",
]

RESEND_VALID_MINUTES = 30
MOST_WAITING = 100


async def register(
    ctx: Context,
    *,
    username: str,
    email: str,
    password: str,
    accepts_terms: bool = False,
    profile: Mapping[str, str] | None = None,
) -> str:
    """Write a registration down, and write to its address.

    ``username``: may be empty where ``USERNAMES`` does not require one; then it is made.
    ``profile``: values of the fields that the site asks for here, by name.

    Returns:
        A receipt for the browser that registered. The same for a known and a new address
        (EN-03): the owner of a known one gets the email that fits.

    Raises:
        RegistrationClosed: nobody registers here, or only who is invited.
        AddressNotAllowed: the address is of a domain that cannot be used here.
        TermsNotAccepted: there are terms.
        WrongProfile: one of the site's own fields is wrong.
        WeakPassword: the password is refused, with the reason.
        UsernameTaken: usernames are public.
        TooManyTries: from this network.
        TooBusy: too many passwords wait to be hashed.
    """
    require_open(ctx.config)
    require_allowed(ctx.config, email)
    if ctx.config.terms_url and not accepts_terms:
        raise TermsNotAccepted
    values = profiles.cleaned(ctx, "registration", profile or {})
    username = usernames.chosen_or_made(ctx.config, username, email=email)
    new_password.check(ctx, password, username=username, email=email)
    rates = {
        **of_networks("registrations", ctx.client, limits(ctx.config).logins_of_network),
        **email_limits.of_network(ctx),
    }
    await _refuse_early(ctx, username, rates)
    password_hash = await _hashed(ctx, password, rates)
    async with ctx.db.begin():
        pending = await registrations.add(
            ctx.db,
            email=email,
            username=username,
            password_hash=password_hash,
            fingerprint=passwords.fingerprint(password, key=ctx.config.signing_keys[-1]),
            accepts_terms=bool(ctx.config.terms_url),
            profile=values,
            lasts=VALID[Purpose.CONFIRM],
        )
        await note(ctx, Event.REGISTERED, registration=str(pending.id))
        await _write_email(ctx, pending)
    return seal(ctx.config.signing_keys, Purpose.REGISTERED, str(pending.id))


async def _refuse_early(ctx: Context, username: str, rates: Rates) -> None:
    async with autocommit(ctx.db):
        taken = await users.is_username_taken(ctx.db, username)
        wait = await rate_limit.look(ctx.db, rates)
    if taken:
        raise UsernameTaken
    if wait:
        raise TooManyTries(wait)


async def _hashed(ctx: Context, password: str, rates: Rates) -> str:
    """Hash a password, which is paid for as soon as there is a place at the threads."""
    async with ctx.hasher.place(ctx.client.group):
        async with autocommit(ctx.db):
            wait = await rate_limit.take_all(ctx.db, rates)
        if wait:
            raise TooManyTries(wait)
        return await ctx.hasher.hash(password)


async def resend(ctx: Context, *, ticket: str) -> None:
    """Send the email of a registration again, to who knows its password.

    ``ticket`` is what a login with that password returned. The limit of an address is silent.

    Raises:
        LinkUnusable: the ticket is garbled or too old.
        TooManyTries: from this network.
    """
    registration_id = _opened(ctx, Purpose.RESEND, ticket)
    user_id = _opened(ctx, Purpose.RESEND_TO_USER, ticket)
    if registration_id is None and user_id is None:
        raise LinkUnusable
    rates = {
        **of_networks("resends", ctx.client, limits(ctx.config).logins_of_network),
        **email_limits.of_network(ctx),
    }
    async with autocommit(ctx.db):
        wait = await rate_limit.take_all(ctx.db, rates)
    if wait:
        raise TooManyTries(wait)
    async with ctx.db.begin():
        if user_id is not None:
            await _write_to_user(ctx, user_id)
        if registration_id is not None:
            lasts = VALID[Purpose.CONFIRM]
            pending = await registrations.renew(ctx.db, registration_id, lasts=lasts)
            if pending is not None:
                await _write_email(ctx, pending, is_shown=True)


def _opened(ctx: Context, purpose: Purpose, ticket: str) -> UUID | None:
    valid = timedelta(minutes=RESEND_VALID_MINUTES)
    text = unseal(ctx.config.signing_keys, purpose, ticket, valid=valid)
    return None if text is None else UUID(text)


async def waiting(ctx: Context, *, email: str = "") -> list[ListedRegistration]:
    """Return who registered and has not confirmed their address, the newest first.

    For operators. ``email``: only those of this address.
    """
    async with autocommit(ctx.db):
        return await registrations.waiting(ctx.db, email=email, most=MOST_WAITING)


async def send_again(ctx: Context, *, registration_id: UUID) -> None:
    """Send the email of a registration again, for an operator: no limit withholds it.

    Raises:
        NoSuchRegistration: it was confirmed, or is too old.
    """
    async with ctx.db.begin():
        await authorization.hold(ctx)
        pending = await registrations.renew(ctx.db, registration_id, lasts=VALID[Purpose.CONFIRM])
        if pending is not None:
            await _put_email(ctx, pending)
            await record(ctx, Event.CONFIRMATION_SENT, registration=str(pending.id))
    if pending is None:
        raise NoSuchRegistration


async def _write_to_user(ctx: Context, user_id: UUID) -> None:
    """Write to somebody who was brought here unconfirmed: choosing a password confirms them."""
    user = await credentials.find_by_id(ctx.db, user_id)
    if user is None or user.confirmed_at is not None:
        return
    if not await email_limits.is_withheld(ctx, email_limits.EmailKind.CONFIRM, user.email):
        await reset_links.send(ctx, user, messages.reset_to_confirm)


async def _write_email(ctx: Context, pending: Pending, *, is_shown: bool = False) -> None:
    registration_id = str(pending.id)
    if not await email_limits.is_withheld(
        ctx,
        email_limits.EmailKind.CONFIRM,
        pending.email,
        registration=registration_id,
        is_shown=is_shown,
    ):
        await _put_email(ctx, pending)


async def _put_email(ctx: Context, pending: Pending) -> None:
    """Write to the address: a link to confirm, or to an account's owner that there is one."""
    user = await credentials.find(ctx.db, pending.email)
    if user is not None:
        message = messages.already_registered(
            to=user.email,
            site=ctx.brand,
            username=user.username,
            login_url=f"{ctx.config.public_url}/login",
        )
    else:
        link = await one_time_links.link(ctx, Purpose.CONFIRM, registration_id=pending.id)
        message = messages.confirm_address(
            to=pending.email,
            site=ctx.brand,
            username=pending.username,
            link=link,
            valid_hours=CONFIRM_VALID_HOURS,
        )
    await outbox.put(ctx.db, message)
