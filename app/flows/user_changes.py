"""What administrators change of a user: username, address, and what they note about them."""

from app.context import Context
from app.kit.audit import Event
from app.kit.errors import (
    AlreadyThere,
    IsBlocked,
    NoSuchNote,
    NoSuchUser,
    SameAddress,
    UsernameTaken,
)
from app.kit.links import CHANGE_EMAIL_VALID_MINUTES
from app.kit.sealing import Purpose
from app.mail import messages
from app.models import credentials, outbox, token, user_note
from app.models import user as users
from app.models.credentials import Credentials
from app.steps import authorization, notices, one_time_links, user_deeds
from app.steps.recording import record


async def set_username(ctx: Context, *, name: str, username: str) -> None:
    """Give a user another username, and tell them.

    Raises:
        NoSuchUser: nobody has this name.
        UsernameTaken: the new one is somebody's.
    """
    changed = False
    async with ctx.db.begin():
        known = await authorization.act_upon(ctx, name)
        user = known and await credentials.lock(ctx.db, known.id)
        if user is not None:
            changed = await users.set_username(ctx.db, user.id, username)
        if user is not None and changed and user.username != username:
            await record(ctx, Event.USERNAME_SET, subject_id=user.id)
            renamed = user._replace(username=username)
            await notices.tell_of_administrator(ctx, renamed, messages.username_set)
    if user is None:
        raise NoSuchUser
    if not changed:
        raise UsernameTaken


async def set_email(ctx: Context, *, name: str, email: str) -> bool:
    """Give a user another address.

    Who has chosen a password confirms it by a link that goes there, and is told at the present
    one, where "this wasn't me" stops it. Who has not is an invitation with a slip in it: it changes
    at once, and the invitation goes to the right address.

    Returns:
        Whether it has changed already.

    Raises:
        NoSuchUser: nobody has this name.
        IsBlocked: unblock them first.
        SameAddress: it is theirs already.
        AlreadyThere: it is another's.
    """
    taken = False
    async with ctx.db.begin():
        known = await authorization.act_upon(ctx, name)
        user = known and await credentials.lock(ctx.db, known.id)
        if user is not None and user.blocked_at is None and user.email != email:
            owner = await credentials.find(ctx.db, email)
            taken = owner is not None and owner.id != user.id
            if not taken and _is_invited(user):
                taken = await credentials.set_email(ctx.db, user.id, email) is None
                if not taken:
                    await _invite_there(ctx, user, email)
            elif not taken:
                await _ask(ctx, user, email)
    if user is None:
        raise NoSuchUser
    if user.blocked_at is not None:
        raise IsBlocked("email")
    if user.email == email:
        raise SameAddress("theirs")
    if taken:
        raise AlreadyThere(field="email")
    return _is_invited(user)


def _is_invited(user: Credentials) -> bool:
    return user.password_hash is None and user.last_login_at is None


async def _invite_there(ctx: Context, user: Credentials, email: str) -> None:
    await token.void(ctx.db, user.id, Purpose.RESET, Purpose.CHANGE_EMAIL)
    await record(ctx, Event.EMAIL_SET, subject_id=user.id)
    await user_deeds.invite(ctx, user._replace(email=email))


async def _ask(ctx: Context, user: Credentials, email: str) -> None:
    await token.void(ctx.db, user.id, Purpose.CHANGE_EMAIL)
    message = messages.confirm_new_address(
        to=email,
        site=ctx.brand,
        username=user.username,
        link=await one_time_links.link(ctx, Purpose.CHANGE_EMAIL, user_id=user.id, email=email),
        valid_minutes=CHANGE_EMAIL_VALID_MINUTES,
    )
    await outbox.put(ctx.db, message)
    await record(ctx, Event.EMAIL_CHANGE_STARTED, subject_id=user.id)
    await notices.tell_of_administrator(ctx, user, messages.email_change_started, email=email)


async def add_note(ctx: Context, *, name: str, words: str) -> None:
    """Note something about a user, for administrators.

    Raises:
        NoSuchUser: nobody has this name.
    """
    async with ctx.db.begin():
        user = await authorization.act_upon(ctx, name)
        if user is not None:
            await user_note.add(ctx.db, user.id, author_id=ctx.actor_id, words=words)
            await record(ctx, Event.NOTE_ADDED, subject_id=user.id)
    if user is None:
        raise NoSuchUser


async def remove_note(ctx: Context, *, name: str, note_id: int) -> None:
    """Remove a note about a user.

    Raises:
        NoSuchUser: nobody has this name.
        NoSuchNote: there is none of this id about them.
    """
    removed = False
    async with ctx.db.begin():
        user = await authorization.act_upon(ctx, name)
        if user is not None:
            removed = await user_note.remove(ctx.db, user.id, note_id)
        if user is not None and removed:
            await record(ctx, Event.NOTE_REMOVED, subject_id=user.id)
    if user is None:
        raise NoSuchUser
    if not removed:
        raise NoSuchNote
