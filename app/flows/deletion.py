"""Deleting one's account, after days in which one may change one's mind."""

from datetime import datetime, timedelta
from uuid import UUID

from app.context import Context
from app.kit.errors import LinkUnusable, SignedOut
from app.kit.links import KEEP_VALID_DAYS, open_link
from app.kit.sealing import Purpose, unseal
from app.mail import messages
from app.models import audit, deletion, outbox, token
from app.models import session as sessions
from app.models import user as users
from app.models.audit import Event
from app.models.user import Credentials
from app.steps import authorization, keeping, notices, one_time_links, password_check
from app.steps.administrators import keeping_one
from app.steps.recording import record

GRACE = timedelta(days=KEEP_VALID_DAYS)
STAY_VALID = timedelta(minutes=30)
USED_UP = (
    "This link was used already, or is too old. Sign in: if the account is still there, you can "
    "keep it."
)


async def leave(ctx: Context, *, password: str) -> datetime:
    """Ask that one's account be deleted; return when it will be. All sessions end.

    Raises:
        WrongPassword: it is not his.
        TooManyTries: of passwords, shared with the login.
        TooBusy: too many passwords wait to be checked.
        LastAdministrator: nobody else could look after people.
        SignedOut: the person's credentials changed, or he was blocked, meanwhile.
    """
    person = await password_check.prove(ctx, password)
    user_id = ctx.user_id
    async with ctx.db.begin(), keeping_one(ctx):
        await authorization.hold(ctx)
        is_same = await users.hold_unchanged(ctx.db, person)
        if is_same:
            day = await deletion.leave(ctx.db, user_id, grace=GRACE)
            await sessions.end_all(ctx.db, user_id)
            await token.void(ctx.db, user_id, Purpose.RESET, Purpose.CHANGE_EMAIL, Purpose.KEEP)
            await record(ctx, Event.LEAVING, subject_id=user_id)
            await _tell(ctx, person, day)
    if not is_same:
        raise SignedOut
    return day


async def find_keeper(ctx: Context, *, sealed: str) -> str:
    """Return the user name whose account a link would keep, without using it up.

    Raises:
        LinkUnusable: used, expired, foreign or garbled.
    """
    digest = open_link(Purpose.KEEP, sealed, keys=ctx.config.signing_keys)
    async with ctx.db.begin():
        owner = await token.find_owner(ctx.db, digest, purpose=Purpose.KEEP) if digest else None
    if owner is None:
        raise LinkUnusable(USED_UP)
    return owner.username


async def keep_by_link(ctx: Context, *, sealed: str) -> None:
    """Keep an account by the link of the letter; the person signs in as before.

    Raises:
        LinkUnusable: used, expired, foreign or garbled.
    """
    digest = open_link(Purpose.KEEP, sealed, keys=ctx.config.signing_keys)
    async with ctx.db.begin():
        taken = digest and await token.take(ctx.db, digest, purpose=Purpose.KEEP)
        if taken:
            await _keep(ctx, taken.user_id)
    if not taken:
        raise LinkUnusable(USED_UP)


async def keep_by_password(ctx: Context, *, ticket: str) -> None:
    """Keep an account, by the ticket that a login with the right password got.

    Raises:
        LinkUnusable: the ticket is garbled or too old, its wish to leave was undone already, or
            the credentials have changed since.
    """
    text = unseal(ctx.config.signing_keys, Purpose.STAY, ticket, valid=STAY_VALID)
    kept = False
    if text is not None:
        user_id = UUID(text.partition(":")[0])
        async with ctx.db.begin():
            person = await users.lock(ctx.db, user_id)
            kept = person is not None and keeping.wish(person) == text
            if kept:
                await _keep(ctx, user_id)
    if not kept:
        raise LinkUnusable(USED_UP)


async def _keep(ctx: Context, user_id: UUID) -> None:
    if await deletion.stay(ctx.db, user_id):
        await token.void(ctx.db, user_id, Purpose.KEEP)
        await audit.write(
            ctx.db, Event.STAYED, client=ctx.client, actor_id=user_id, subject_id=user_id
        )


async def _tell(ctx: Context, person: Credentials, day: datetime) -> None:
    letter = messages.account_leaving(
        to=person.email,
        site=ctx.config.site_name,
        username=person.username,
        link=await one_time_links.link(ctx, Purpose.KEEP, user_id=person.id),
        not_me=await notices.not_me_link(ctx, person),
        day=f"{day:%-d %B %Y}",
    )
    await outbox.put(ctx.db, letter)
