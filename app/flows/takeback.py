"""'This wasn't me': one link that ends what somebody else did to an account."""

from typing import NamedTuple

from app.context import Context
from app.kit.audit import Event
from app.kit.errors import LinkUnusable
from app.kit.links import open_link
from app.kit.sealing import Purpose
from app.mail import messages
from app.models import address, credentials, deletion, known_browser, token
from app.models import session as sessions
from app.models import user as users
from app.models.credentials import Credentials
from app.models.token import Taken
from app.steps import factor_change, reset_links
from app.steps.recording import note

DISPUTED = "“This wasn’t me” came from an address that belongs to another account by now"


class OpenTakeback(NamedTuple):
    """A link that could be used now. ``email`` is where its email went.

    ``is_moved``: the account has another address by now, and would get this one back.
    """

    username: str
    email: str
    is_moved: bool


class TakenBack(NamedTuple):
    """``email`` is where the email went on which another password is chosen.

    ``is_lost``: the address of before belongs to another account by now, and could not be given
    back. Then no email goes out, for it would reach whoever changed it; the account is blocked
    until an administrator has seen to it.
    """

    email: str
    is_lost: bool


async def open_notice(ctx: Context, *, sealed: str) -> OpenTakeback:
    """Return what a link is about, without using it up.

    Raises:
        LinkUnusable: used, expired, foreign or garbled.
    """
    digest = open_link(Purpose.NOT_ME, sealed, keys=ctx.config.signing_keys)
    async with ctx.db.begin():
        found = digest and await token.find(ctx.db, digest, purpose=Purpose.NOT_ME)
        user = found and await credentials.find_by_id(ctx.db, found.user_id)
        is_sound = found and user and await _is_sound(ctx, user, found)
    if not found or not user or not is_sound:
        raise LinkUnusable("takeback")
    return OpenTakeback(user.username, found.email or user.email, _is_moved(user, found))


async def take_back(ctx: Context, *, sealed: str) -> TakenBack:
    """Take an account back for the owner of the address to which a security email went.

    Every browser is signed out, the password opens nothing any more, an address that was changed
    since the email is changed back, so are second factors, a deletion is called off, and the email
    for a new password goes out. Links of this kind that went out later, perhaps to an intruder's
    address, are void: the earlier email wins, and an address that the account had later takes
    nothing back.

    Raises:
        LinkUnusable: used, expired, foreign, garbled, or of an address that the account had later
            than the present one.
    """
    digest = open_link(Purpose.NOT_ME, sealed, keys=ctx.config.signing_keys)
    async with ctx.db.begin():
        taken = digest and await token.take(ctx.db, digest, purpose=Purpose.NOT_ME)
        user = taken and await credentials.find_by_id(ctx.db, taken.user_id)
        outcome = None
        if taken and user and await _is_sound(ctx, user, taken):
            outcome = await _take_back(ctx, user, taken)
    if outcome is None:
        raise LinkUnusable("takeback")
    return outcome


async def _take_back(ctx: Context, user: Credentials, taken: Taken) -> TakenBack:
    is_moved, is_lost = _is_moved(user, taken), False
    if is_moved and taken.email:
        is_lost = await credentials.set_email(ctx.db, user.id, taken.email) is None
    await credentials.disable_password(ctx.db, user.id)
    await deletion.stay(ctx.db, user.id)
    await sessions.end_all(ctx.db, user.id)
    await known_browser.forget_all(ctx.db, user.id)
    if await factor_change.restore(ctx, user.id, since=taken.created_at):
        await note(ctx, Event.FACTORS_RESTORED, subject_id=user.id)
    await token.void(ctx.db, user.id, Purpose.RESET, Purpose.CHANGE_EMAIL, Purpose.KEEP)
    await token.void(ctx.db, user.id, Purpose.FACTOR_RESET, Purpose.KEEP_FACTORS)
    await token.void_like(ctx.db, taken, purpose=Purpose.NOT_ME)
    await note(ctx, Event.TAKEN_BACK, subject_id=user.id)
    if is_lost:
        await users.block(ctx.db, user.id, reason=DISPUTED)
        await note(ctx, Event.BLOCKED, subject_id=user.id, reason=DISPUTED)
        return TakenBack("", is_lost=True)
    if is_moved:
        await note(ctx, Event.EMAIL_RESTORED, subject_id=user.id)
    await reset_links.send(ctx, user, messages.reset_after_not_me)
    return TakenBack(taken.email or user.email, is_lost=False)


async def _is_sound(ctx: Context, user: Credentials, taken: Taken) -> bool:
    """Whether the address of a link may say whose the account is."""
    if taken.email is None or not _is_moved(user, taken):
        return True
    return await address.is_earlier(ctx.db, user.id, taken.email, user.email)


def _is_moved(user: Credentials, taken: Taken) -> bool:
    return taken.email is not None and taken.email != user.email
