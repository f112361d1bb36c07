"""Registering: asking for an account, and for the letter once more."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app import letters
from app.config import Config
from app.db import one_by_one
from app.kit import passwords
from app.kit.actor import Actor, id_of
from app.kit.client import Client
from app.kit.errors import (
    LinkUnusable,
    NoSuchRegistration,
    TermsNotAccepted,
    TooManyTries,
    UsernameTaken,
)
from app.kit.links import CONFIRM_VALID_HOURS, VALID
from app.kit.passwords import PasswordHasher
from app.kit.sealing import OF_PERSON, Purpose, seal, unseal
from app.limits import limits
from app.models import audit, outbox, throttle, user
from app.models import registration as registrations
from app.models.audit import Event
from app.models.registration import Pending, Waiting
from app.steps import acting, choosing, linking, quota, resetting
from app.steps.policy import in_words, require_allowed, require_open

__all__ = ["Waiting", "in_words", "register", "require_open", "resend", "send_again", "waiting"]

RESEND_VALID_MINUTES = 30
MOST_WAITING = 100


async def register(
    session: AsyncSession,
    *,
    config: Config,
    hasher: PasswordHasher,
    username: str,
    email: str,
    password: str,
    client: Client,
    accepts_terms: bool = False,
) -> str:
    """Write a registration down, and write to its address.

    Returns:
        A receipt for the browser that registered. The same for a known and a new address
        (EN-03): the owner of a known one gets the letter that fits.

    Raises:
        RegistrationClosed: nobody registers here, or only who is invited.
        AddressNotAllowed: the address is of a domain that cannot be used here.
        TermsNotAccepted: there are terms.
        WeakPassword: the password is refused, with the reason.
        UsernameTaken: user names are public.
        TooManyTries: from this network.
        TooBusy: too many passwords wait to be hashed.
    """
    require_open(config)
    require_allowed(config, email)
    if config.terms_url and not accepts_terms:
        raise TermsNotAccepted
    choosing.check(config, password, username=username, email=email)
    rates = {
        f"registrations:network:{client.network}": limits(config).logins_of_network,
        **quota.of_network(config, client),
    }
    async with one_by_one(session):
        taken = await user.is_username_taken(session, username)
        wait = await throttle.look(session, rates)
    if taken:
        raise UsernameTaken
    if wait:
        raise TooManyTries(wait)
    async with hasher.place(client.group):
        async with one_by_one(session):
            wait = await throttle.take_all(session, rates)
        if wait:
            raise TooManyTries(wait)
        password_hash = await hasher.hash(password)
    async with session.begin():
        pending = await registrations.add(
            session,
            email=email,
            username=username,
            password_hash=password_hash,
            fingerprint=passwords.fingerprint(password, key=config.signing_keys[-1]),
            accepts_terms=bool(config.terms_url),
            lasts=VALID[Purpose.CONFIRM],
        )
        await audit.write(session, Event.REGISTERED, client=client, registration=str(pending.id))
        await _write_letter(session, config, pending, client)
    return seal(config.signing_keys, Purpose.REGISTERED, str(pending.id))


async def resend(session: AsyncSession, *, config: Config, ticket: str, client: Client) -> None:
    """Send the letter of a registration again, to who knows its password.

    ``ticket`` is what a login with that password returned. The limit of an address is silent.

    Raises:
        LinkUnusable: the ticket is garbled or too old.
        TooManyTries: from this network.
    """
    text = unseal(
        config.signing_keys, Purpose.RESEND, ticket, valid=timedelta(minutes=RESEND_VALID_MINUTES)
    )
    if text is None:
        raise LinkUnusable
    rates = {
        f"resends:network:{client.network}": limits(config).logins_of_network,
        **quota.of_network(config, client),
    }
    async with one_by_one(session):
        wait = await throttle.take_all(session, rates)
    if wait:
        raise TooManyTries(wait)
    async with session.begin():
        if text.startswith(OF_PERSON):
            await _write_to_person(session, config, UUID(text.removeprefix(OF_PERSON)), client)
            return
        pending = await registrations.renew(session, UUID(text), lasts=VALID[Purpose.CONFIRM])
        if pending is not None:
            await _write_letter(session, config, pending, client, is_shown=True)


async def waiting(session: AsyncSession, *, email: str = "") -> list[Waiting]:
    """Return who registered and has not confirmed his address, the newest first.

    For operators. ``email``: only those of this address.
    """
    async with one_by_one(session):
        return await registrations.waiting(session, email=email, most=MOST_WAITING)


async def send_again(
    session: AsyncSession,
    *,
    config: Config,
    registration_id: UUID,
    client: Client,
    actor: Actor | None = None,
) -> None:
    """Send the letter of a registration again, for an operator: no limit withholds it.

    Raises:
        NoSuchRegistration: it was confirmed, or is too old.
    """
    async with session.begin():
        await acting.hold(session, actor)
        pending = await registrations.renew(session, registration_id, lasts=VALID[Purpose.CONFIRM])
        if pending is not None:
            await _put_letter(session, config, pending)
            await audit.write(
                session,
                Event.CONFIRMATION_SENT,
                client=client,
                actor_id=id_of(actor),
                registration=str(pending.id),
            )
    if pending is None:
        raise NoSuchRegistration


async def _write_to_person(
    session: AsyncSession, config: Config, user_id: UUID, client: Client
) -> None:
    """Write to somebody who was brought here unconfirmed: choosing a password confirms him."""
    person = await user.find_by_id(session, user_id)
    if person is None or person.confirmed_at is not None:
        return
    if not await quota.is_withheld(session, config, quota.Kind.CONFIRM, person.email, client):
        await resetting.send(session, config, person, letters.reset_to_confirm)


async def _write_letter(
    session: AsyncSession,
    config: Config,
    pending: Pending,
    client: Client,
    *,
    is_shown: bool = False,
) -> None:
    registration_id = str(pending.id)
    if not await quota.is_withheld(
        session,
        config,
        quota.Kind.CONFIRM,
        pending.email,
        client,
        registration=registration_id,
        is_shown=is_shown,
    ):
        await _put_letter(session, config, pending)


async def _put_letter(session: AsyncSession, config: Config, pending: Pending) -> None:
    """Write to the address: a link to confirm, or to an account's owner that there is one."""
    person = await user.find(session, pending.email)
    if person is not None:
        letter = letters.already_registered(
            to=person.email,
            site=config.site_name,
            username=person.username,
            login_url=f"{config.public_url}/login",
        )
    else:
        link = await linking.link(session, config, Purpose.CONFIRM, registration_id=pending.id)
        letter = letters.confirm_address(
            to=pending.email,
            site=config.site_name,
            username=pending.username,
            link=link,
            valid_hours=CONFIRM_VALID_HOURS,
        )
    await outbox.put(session, letter)
