"""Deleting one's account, after days in which one may change one's mind."""

from datetime import datetime, timedelta
from uuid import UUID

from app.context import Context
from app.kit import time_zones
from app.kit.audit import Event
from app.kit.errors import LinkUnusable, SignedOut
from app.kit.links import KEEP_VALID_DAYS, open_link
from app.kit.sealing import Purpose, unseal
from app.mail import messages
from app.models import credentials, deletion, outbox, token
from app.models import session as sessions
from app.models.credentials import Credentials
from app.steps import authorization, keeping, notices, one_time_links, password_check
from app.steps.administrators import keeping_one
from app.steps.recording import note, record

GRACE = timedelta(days=KEEP_VALID_DAYS)
STAY_VALID = timedelta(minutes=30)


async def request_deletion(ctx: Context, *, password: str) -> datetime:
    """Ask that one's account be deleted; return when it will be. All sessions end.

    Raises:
        WrongPassword: it is not theirs.
        TooManyTries: of passwords, shared with the login.
        TooBusy: too many passwords wait to be checked.
        LastAdministrator: nobody else could look after people.
        SignedOut: the user's credentials changed, or they were blocked, meanwhile.
    """
    user = await password_check.check_password(ctx, password)
    user_id = ctx.user_id
    async with ctx.db.begin(), keeping_one(ctx):
        await authorization.hold(ctx)
        is_same = await credentials.hold_unchanged(ctx.db, user)
        if is_same:
            day = await deletion.schedule(ctx.db, user_id, grace=GRACE)
            await sessions.end_all(ctx.db, user_id)
            await token.void(ctx.db, user_id, Purpose.RESET, Purpose.CHANGE_EMAIL, Purpose.KEEP)
            await record(ctx, Event.DELETION_ASKED, subject_id=user_id)
            await _tell(ctx, user, day)
    if not is_same:
        raise SignedOut
    return day


async def find_owner(ctx: Context, *, sealed: str) -> str:
    """Return the username whose account a link would keep, without using it up.

    Raises:
        LinkUnusable: used, expired, foreign or garbled.
    """
    digest = open_link(Purpose.KEEP, sealed, keys=ctx.config.signing_keys)
    async with ctx.db.begin():
        owner = await token.find_owner(ctx.db, digest, purpose=Purpose.KEEP) if digest else None
    if owner is None:
        raise LinkUnusable("deletion")
    return owner.username


async def keep_by_link(ctx: Context, *, sealed: str) -> None:
    """Keep an account by the link of the email; the user signs in as before.

    Raises:
        LinkUnusable: used, expired, foreign or garbled.
    """
    digest = open_link(Purpose.KEEP, sealed, keys=ctx.config.signing_keys)
    async with ctx.db.begin():
        taken = digest and await token.take(ctx.db, digest, purpose=Purpose.KEEP)
        if taken:
            await _keep(ctx, taken.user_id)
    if not taken:
        raise LinkUnusable("deletion")


async def keep_by_password(ctx: Context, *, ticket: str) -> None:
    """Keep an account, by the ticket that a login with the right password got.

    Raises:
        LinkUnusable: the ticket is garbled or too old, the deletion was cancelled already,
            or the credentials have changed since.
    """
    text = unseal(ctx.config.signing_keys, Purpose.STAY, ticket, valid=STAY_VALID)
    kept = False
    if text is not None:
        user_id = UUID(text.partition(":")[0])
        async with ctx.db.begin():
            user = await credentials.lock(ctx.db, user_id)
            kept = user is not None and keeping.wish(user) == text
            if kept:
                await _keep(ctx, user_id)
    if not kept:
        raise LinkUnusable("deletion")


async def _keep(ctx: Context, user_id: UUID) -> None:
    if await deletion.stay(ctx.db, user_id):
        await token.void(ctx.db, user_id, Purpose.KEEP)
        await note(
            ctx,
            Event.DELETION_CANCELLED,
            actor_id=user_id,
            subject_id=user_id,
        )


async def _tell(ctx: Context, user: Credentials, day: datetime) -> None:
    message = messages.deletion_scheduled(
        to=user.email,
        site=ctx.brand,
        username=user.username,
        link=await one_time_links.link(ctx, Purpose.KEEP, user_id=user.id),
        not_me=await notices.not_me_link(ctx, user),
        day=time_zones.day(day, time_zones.zone(user.time_zone)),
    )
    await outbox.put(ctx.db, message)
