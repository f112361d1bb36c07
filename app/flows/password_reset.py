"""A forgotten password: an email, and the link in it on which another one is chosen."""

from typing import NamedTuple
from uuid import UUID

from app.context import Context
from app.kit.audit import Event
from app.kit.errors import LinkUnusable, Refusal, TooManyTries, UsernameTaken
from app.kit.links import open_link
from app.kit.sealing import Purpose
from app.limits import limits, of_networks
from app.mail import messages
from app.models import (
    credentials,
    known_browser,
    pending_login,
    rate_limit,
    registration,
    token,
)
from app.models import session as sessions
from app.models import user as users
from app.models.credentials import Credentials
from app.models.registration import Pending
from app.models.token import LinkOwner
from app.steps import (
    activation,
    email_limits,
    known_browsers,
    new_password,
    notices,
    password_check,
    reset_links,
)
from app.steps.recording import note


class Reset(NamedTuple):
    """``browser`` goes into the browser's cookie: its owner has shown that the mail is theirs."""

    browser: str | None


async def request_reset(ctx: Context, *, name: str) -> None:
    """Write to the user of an address or username, if there is one.

    Nobody learns whether there is one: a blocked person and nobody cost the same, and get nothing
    (EN-04). The limits of emails are silent.

    Raises:
        TooManyTries: from this network.
    """
    rates = {
        **of_networks("resets", ctx.client, limits(ctx.config).logins_of_network),
        **email_limits.of_network(ctx),
    }
    async with ctx.db.begin():
        wait = await rate_limit.take_all(ctx.db, rates)
        if not wait:
            await _answer(ctx, name)
    if wait:
        raise TooManyTries(wait)


async def find_reset(ctx: Context, *, sealed: str) -> LinkOwner:
    """Return whose password a link would replace, without using it up.

    Raises:
        LinkUnusable: used, expired, foreign or garbled.
    """
    digest = open_link(Purpose.RESET, sealed, keys=ctx.config.signing_keys)
    async with ctx.db.begin():
        owner = digest and (await _owner(ctx, digest))
    if not owner:
        raise LinkUnusable
    return owner


async def reset_password(ctx: Context, *, sealed: str, password: str) -> Reset:
    """Give a user another password by a link; of any number of clicks one wins.

    Nobody is signed in by it, all sessions end, older links are void, and who is blocked stays so
    (TK-09). The address is confirmed by it: a registration that waited becomes an account.

    Raises:
        LinkUnusable: used, expired, foreign, garbled.
        UsernameTaken: the username of a registration went to somebody else meanwhile.
        WeakPassword: the password is refused, with the reason; the link stays good.
        TooBusy: too many passwords wait to be hashed; the link stays good.
    """
    owner = await find_reset(ctx, sealed=sealed)
    password_hash = await new_password.hashed(ctx, password, **owner._asdict())
    digest = open_link(Purpose.RESET, sealed, keys=ctx.config.signing_keys)
    if digest is None:
        raise LinkUnusable
    async with ctx.db.begin():
        pending = await _find_pending(ctx, digest)
        done = await (
            _activate(ctx, pending, password_hash)
            if pending
            else _replace(ctx, digest, password_hash)
        )
    if isinstance(done, Refusal):
        raise done
    return done


async def _answer(ctx: Context, name: str) -> None:
    user = await credentials.find(ctx.db, name)
    pending = await registration.newest(ctx.db, name)
    if user is not None and user.blocked_at is not None:
        user = pending = None
    addressee: Credentials | Pending | None = user or pending
    await note(ctx, Event.RESET_ASKED, subject_id=user and user.id)
    email = addressee.email if addressee else name
    if await email_limits.is_withheld(ctx, email_limits.EmailKind.RESET, email):
        return
    await reset_links.send(ctx, addressee)


async def _owner(ctx: Context, digest: bytes) -> LinkOwner | None:
    pending = await _find_pending(ctx, digest)
    if pending is not None:
        return LinkOwner(pending.username, pending.email)
    return await token.find_owner(ctx.db, digest, purpose=Purpose.RESET)


async def _find_pending(ctx: Context, digest: bytes) -> Pending | None:
    found = await token.find_registration(ctx.db, digest, purpose=Purpose.RESET)
    return await registration.find(ctx.db, found) if found else None


async def _activate(ctx: Context, pending: Pending, password_hash: str) -> Reset | Refusal:
    """Make an account of a registration: the link has shown that its address is right."""
    if await activation.activate(ctx, pending, password_hash=password_hash):
        return Reset(None)
    if await users.is_username_taken(ctx.db, pending.username):
        return UsernameTaken()
    return LinkUnusable()


async def _replace(ctx: Context, digest: bytes, password_hash: str) -> Reset | Refusal:
    taken = await token.take(ctx.db, digest, purpose=Purpose.RESET)
    user = taken and await credentials.find_by_id(ctx.db, taken.user_id)
    if not taken or not user or taken.email != user.email:
        return LinkUnusable()
    user_id: UUID = user.id
    await credentials.set_password_hash(ctx.db, user_id, password_hash)
    await sessions.end_all(ctx.db, user_id)
    await token.void(ctx.db, user_id, Purpose.RESET, Purpose.CHANGE_EMAIL, Purpose.INVITE)
    await pending_login.end_all(ctx.db, user_id)
    await rate_limit.give_back(ctx.db, password_check.bucket_of_user(user_id))
    await known_browser.forget_all(ctx.db, user_id)
    named = await known_browsers.remember(ctx, user_id, ctx.browser)
    await note(ctx, Event.PASSWORD_RESET, subject_id=user_id)
    await notices.tell(ctx, user, messages.password_changed)
    return Reset(named.text)
