"""Changing one's address: the new one is asked, the old one is told, and stays until then."""

from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from app import letters
from app.config import Config
from app.db import one_by_one
from app.kit.actor import Actor
from app.kit.client import Client
from app.kit.errors import LinkUnusable, SameAddress, SignedOut, TooManyTries
from app.kit.letter import Letter
from app.kit.links import CHANGE_EMAIL_VALID_MINUTES, open_link
from app.kit.passwords import PasswordHasher
from app.kit.sealing import Purpose
from app.models import address, audit, outbox, throttle, token, user
from app.models import session as sessions
from app.models.audit import Event
from app.models.user import Credentials
from app.steps import acting, linking, notices, proof, quota, renewal
from app.steps.policy import require_allowed
from app.steps.renewal import Renewed

TAKEN = "This address belongs to another account by now. Yours stays as it was."


class Opened(NamedTuple):
    """A link that could be used now: whose address would become what."""

    username: str
    email: str


async def request_change(
    session: AsyncSession,
    *,
    config: Config,
    hasher: PasswordHasher,
    actor: Actor,
    email: str,
    password: str,
    client: Client,
    browser: str | None,
) -> None:
    """Write to a new address, and tell the old one; nothing changes until the link is used.

    The same whether or not the new address is somebody's: its owner gets the letter that fits
    (EN-04). The limit of an address is silent. Older links are void.

    Raises:
        AddressNotAllowed: it is of a domain that cannot be used here.
        SameAddress: it is the person's already.
        WrongPassword: it is not his.
        TooManyTries: of passwords, shared with the login; or letters from this network.
        TooBusy: too many passwords wait to be checked.
        SignedOut: the person's credentials changed, or he was blocked, meanwhile.
    """
    require_allowed(config, email)
    person = await proof.prove(
        session,
        config=config,
        hasher=hasher,
        user_id=actor.user_id,
        password=password,
        client=client,
        browser=browser,
    )
    if email == person.email:
        raise SameAddress
    async with one_by_one(session):
        wait = await throttle.take_all(session, quota.of_network(config, client))
    if wait:
        raise TooManyTries(wait)
    user_id = actor.user_id
    async with session.begin():
        await acting.hold(session, actor)
        is_same = await user.hold_unchanged(session, person)
        if is_same:
            await audit.write(
                session, Event.EMAIL_ASKED, client=client, actor_id=user_id, subject_id=user_id
            )
            if not await quota.is_withheld(session, config, quota.Kind.EMAIL, email, client):
                await outbox.put(session, await _ask(session, config, person, email))
                await notices.tell(
                    session, config, person, letters.email_asked, client, email=email
                )
    if not is_same:
        raise SignedOut


async def cancel_change(session: AsyncSession, *, actor: Actor, client: Client) -> None:
    """Take back a change of address that waits for its link; without one nothing happens.

    Raises:
        SignedOut: the session has ended meanwhile.
    """
    user_id = actor.user_id
    async with session.begin():
        await acting.hold(session, actor)
        if await token.void(session, user_id, Purpose.CHANGE_EMAIL):
            await audit.write(
                session, Event.EMAIL_KEPT, client=client, actor_id=user_id, subject_id=user_id
            )


async def open_change(session: AsyncSession, *, config: Config, sealed: str) -> Opened:
    """Return what a link is about, without using it up.

    Raises:
        LinkUnusable: used, expired, foreign or garbled.
    """
    digest = open_link(Purpose.CHANGE_EMAIL, sealed, keys=config.signing_keys)
    async with session.begin():
        found = digest and await token.find(session, digest, purpose=Purpose.CHANGE_EMAIL)
        person = found and await user.find_by_id(session, found.user_id)
    if not found or not person:
        raise LinkUnusable
    return Opened(person.username, found.email or "")


async def confirm_change(
    session: AsyncSession, *, config: Config, sealed: str, secret: str | None, client: Client
) -> Renewed | None:
    """Change an address by the link; of any number of clicks one wins. All sessions end.

    ``secret`` is the session of the browser in which the link was opened: if it is the person's,
    it goes on under a new secret, which is returned.

    Raises:
        LinkUnusable: used, expired, foreign, garbled, the person is blocked, or the address is
            another's by now.
    """
    digest = open_link(Purpose.CHANGE_EMAIL, sealed, keys=config.signing_keys)
    version, renewed = None, None
    async with session.begin():
        taken = digest and await token.take(session, digest, purpose=Purpose.CHANGE_EMAIL)
        person = taken and await user.find_by_id(session, taken.user_id)
        if taken and person and taken.email and person.blocked_at is None:
            version = await user.set_email(session, person.id, taken.email)
            if version is not None:
                renewed = await _settle(
                    session, config, person, taken.email, version, secret, client
                )
    if not taken or not person or person.blocked_at is not None:
        raise LinkUnusable
    if version is None:
        raise LinkUnusable(TAKEN)
    return renewed


async def _ask(session: AsyncSession, config: Config, person: Credentials, email: str) -> Letter:
    """Return the letter to a new address: with a link, or to its owner that it is in use.

    Either way the address waits, for the account's page says so; a link that nobody gets opens
    nothing.
    """
    await token.void(session, person.id, Purpose.CHANGE_EMAIL)
    owner = await user.find(session, email)
    link = await linking.link(session, config, Purpose.CHANGE_EMAIL, user_id=person.id, email=email)
    if owner is not None and owner.id != person.id:
        return letters.address_in_use(
            to=owner.email,
            site=config.site_name,
            username=owner.username,
            login_url=f"{config.public_url}/login",
        )
    return letters.confirm_new_address(
        to=email,
        site=config.site_name,
        username=person.username,
        link=link,
        valid_minutes=CHANGE_EMAIL_VALID_MINUTES,
    )


async def _settle(
    session: AsyncSession,
    config: Config,
    person: Credentials,
    email: str,
    version: int,
    secret: str | None,
    client: Client,
) -> Renewed | None:
    renewed = None
    if secret is None:
        await sessions.end_all(session, person.id)
    else:
        renewed = await renewal.keep_only(
            session, person.id, secret, version=version, is_proven=False
        )
    await token.void(session, person.id, Purpose.RESET, Purpose.CHANGE_EMAIL)
    await address.note(session, person.id, before=person.email, now=email)
    await audit.write(session, Event.EMAIL_CHANGED, client=client, subject_id=person.id)
    await notices.tell(session, config, person, letters.email_changed, client, email=email)
    return renewed
