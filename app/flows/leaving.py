"""Deleting one's account, after days in which one may change one's mind."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app import letters
from app.config import Config
from app.kit.actor import Actor
from app.kit.client import Client
from app.kit.errors import LinkUnusable, SignedOut
from app.kit.links import KEEP_VALID_DAYS, open_link
from app.kit.passwords import PasswordHasher
from app.kit.sealing import Purpose, unseal
from app.models import audit, departure, outbox, token, user
from app.models import session as sessions
from app.models.audit import Event
from app.models.user import Credentials
from app.steps import acting, linking, notices, proof, staying
from app.steps.administrators import keeping_one

GRACE = timedelta(days=KEEP_VALID_DAYS)
STAY_VALID = timedelta(minutes=30)
USED_UP = (
    "This link was used already, or is too old. Sign in: if the account is still there, you can "
    "keep it."
)


async def leave(
    session: AsyncSession,
    *,
    config: Config,
    hasher: PasswordHasher,
    actor: Actor,
    password: str,
    client: Client,
    browser: str | None,
) -> datetime:
    """Ask that one's account be deleted; return when it will be. All sessions end.

    Raises:
        WrongPassword: it is not his.
        TooManyTries: of passwords, shared with the login.
        TooBusy: too many passwords wait to be checked.
        LastAdministrator: nobody else could look after people.
        SignedOut: the person's credentials changed, or he was blocked, meanwhile.
    """
    person = await proof.prove(
        session,
        config=config,
        hasher=hasher,
        user_id=actor.user_id,
        password=password,
        client=client,
        browser=browser,
    )
    user_id = actor.user_id
    async with session.begin(), keeping_one(session):
        await acting.hold(session, actor)
        is_same = await user.hold_unchanged(session, person)
        if is_same:
            day = await departure.leave(session, user_id, grace=GRACE)
            await sessions.end_all(session, user_id)
            await token.void(session, user_id, Purpose.RESET, Purpose.CHANGE_EMAIL, Purpose.KEEP)
            await audit.write(
                session, Event.LEAVING, client=client, actor_id=user_id, subject_id=user_id
            )
            await _tell(session, config, person, day)
    if not is_same:
        raise SignedOut
    return day


async def find_keeper(session: AsyncSession, *, config: Config, sealed: str) -> str:
    """Return the user name whose account a link would keep, without using it up.

    Raises:
        LinkUnusable: used, expired, foreign or garbled.
    """
    digest = open_link(Purpose.KEEP, sealed, keys=config.signing_keys)
    async with session.begin():
        owner = await token.find_owner(session, digest, purpose=Purpose.KEEP) if digest else None
    if owner is None:
        raise LinkUnusable(USED_UP)
    return owner.username


async def keep_by_link(
    session: AsyncSession, *, config: Config, sealed: str, client: Client
) -> None:
    """Keep an account by the link of the letter; the person signs in as before.

    Raises:
        LinkUnusable: used, expired, foreign or garbled.
    """
    digest = open_link(Purpose.KEEP, sealed, keys=config.signing_keys)
    async with session.begin():
        taken = digest and await token.take(session, digest, purpose=Purpose.KEEP)
        if taken:
            await _keep(session, taken.user_id, client)
    if not taken:
        raise LinkUnusable(USED_UP)


async def keep_by_password(
    session: AsyncSession, *, config: Config, ticket: str, client: Client
) -> None:
    """Keep an account, by the ticket that a login with the right password got.

    Raises:
        LinkUnusable: the ticket is garbled or too old, its wish to leave was undone already, or
            the credentials have changed since.
    """
    text = unseal(config.signing_keys, Purpose.STAY, ticket, valid=STAY_VALID)
    kept = False
    if text is not None:
        user_id = UUID(text.partition(":")[0])
        async with session.begin():
            person = await user.lock(session, user_id)
            kept = person is not None and staying.wish(person) == text
            if kept:
                await _keep(session, user_id, client)
    if not kept:
        raise LinkUnusable(USED_UP)


async def _keep(session: AsyncSession, user_id: UUID, client: Client) -> None:
    if await departure.stay(session, user_id):
        await token.void(session, user_id, Purpose.KEEP)
        await audit.write(
            session, Event.STAYED, client=client, actor_id=user_id, subject_id=user_id
        )


async def _tell(session: AsyncSession, config: Config, person: Credentials, day: datetime) -> None:
    letter = letters.account_leaving(
        to=person.email,
        site=config.site_name,
        username=person.username,
        link=await linking.link(session, config, Purpose.KEEP, user_id=person.id),
        not_me=await notices.not_me_link(session, config, person),
        day=f"{day:%-d %B %Y}",
    )
    await outbox.put(session, letter)
