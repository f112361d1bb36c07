"""Registering: asking for an account, and for the letter once more."""

import logging
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app import letters
from app.config import Config
from app.db import one_by_one
from app.kit import passwords
from app.kit.addresses import canonical, is_of, shown_domain
from app.kit.client import Client
from app.kit.errors import (
    AddressNotAllowed,
    LinkUnusable,
    RegistrationClosed,
    TermsNotAccepted,
    TooManyTries,
    UsernameTaken,
)
from app.kit.links import CONFIRM_VALID_HOURS, VALID, new_link
from app.kit.passwords import PasswordHasher
from app.kit.sealing import Purpose, seal, unseal
from app.limits import limits
from app.models import audit, outbox, throttle, token, user
from app.models import registration as registrations
from app.models.audit import Event
from app.models.registration import Pending

log = logging.getLogger(__name__)

RESEND_VALID_MINUTES = 30
CLOSED = {
    "invitation": "People are invited here. If you should have an account, please ask whoever runs "
    "this site for an invitation.",
    "closed": "New accounts are not made here at the moment. Those that there are work as before.",
}
WITHHELD = (
    "A letter was not written: its address or the network %s has had as many as the limits allow "
    "(ACCOUNT_LETTERS_HOUR, NETWORK_LETTERS_…). If all people seem to be of one network, is "
    "TRUSTED_PROXIES right?"
)


def require_open(config: Config) -> None:
    """Pass where everybody may register.

    Raises:
        RegistrationClosed: with the reason.
    """
    if config.registration != "open":
        raise RegistrationClosed(CLOSED[config.registration])


def in_words(domains: Sequence[str]) -> str:
    """Return domains as people read them."""
    return ", ".join(
        f"{shown_domain(each)} and all below" if each.startswith(".") else shown_domain(each)
        for each in domains
    )


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
        AddressNotAllowed: the address is of a domain that cannot register here.
        TermsNotAccepted: there are terms.
        WeakPassword: the password is refused, with the reason.
        UsernameTaken: user names are public.
        TooManyTries: from this network.
        TooBusy: too many passwords wait to be hashed.
    """
    require_open(config)
    _require_allowed(config, email)
    if config.terms_url and not accepts_terms:
        raise TermsNotAccepted
    context = passwords.own_words(site=config.site_name, username=username, email=email)
    passwords.check_policy(password, shortest=config.password_min_length, context=context)
    rates = {f"registrations:network:{client.network}": limits(config).logins_of_network}
    async with one_by_one(session):
        taken = await user.is_username_taken(session, username)
        wait = await throttle.look(session, rates)
    if taken:
        raise UsernameTaken
    if wait:
        raise TooManyTries(wait)
    with hasher.place():
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

    ``ticket`` is what a login with that password returned. A limit is silent.

    Raises:
        LinkUnusable: the ticket is garbled or too old.
    """
    text = unseal(
        config.signing_keys, Purpose.RESEND, ticket, valid=timedelta(minutes=RESEND_VALID_MINUTES)
    )
    if text is None:
        raise LinkUnusable
    rates = {f"resends:network:{client.network}": limits(config).logins_of_network}
    async with session.begin():
        if await throttle.take_all(session, rates):
            return
        pending = await registrations.renew(session, UUID(text), lasts=VALID[Purpose.CONFIRM])
        if pending is not None:
            await _write_letter(session, config, pending, client)


def _require_allowed(config: Config, email: str) -> None:
    domains = config.registration_domains
    if domains and not is_of(email, domains):
        raise AddressNotAllowed(
            f"An address of this domain cannot register here. These can: {in_words(domains)}."
        )


async def _write_letter(
    session: AsyncSession, config: Config, pending: Pending, client: Client
) -> None:
    """Write to the address: a link to confirm, or to an account's owner that there is one."""
    if await _is_withheld(session, config, pending, client):
        return
    person = await user.find(session, pending.email)
    if person is not None:
        letter = letters.already_registered(
            to=person.email,
            site=config.site_name,
            username=person.username,
            login_url=f"{config.public_url}/login",
        )
    else:
        link = new_link(Purpose.CONFIRM, public_url=config.public_url, keys=config.signing_keys)
        await token.add(
            session,
            digest=link.digest,
            purpose=Purpose.CONFIRM,
            valid=VALID[Purpose.CONFIRM],
            registration_id=pending.id,
        )
        letter = letters.confirm_address(
            to=pending.email,
            site=config.site_name,
            username=pending.username,
            link=link.url,
            valid_hours=CONFIRM_VALID_HOURS,
        )
    await outbox.put(session, letter)


async def _is_withheld(
    session: AsyncSession, config: Config, pending: Pending, client: Client
) -> bool:
    """Whether a limit, in silence, keeps this letter from being written."""
    policy = limits(config)
    rates = {
        f"letters:network:{client.network}": policy.letters_of_network,
        f"letters:account:{canonical(pending.email)}": policy.letters_of_account,
    }
    withheld = await throttle.take_all(session, rates) > 0
    if withheld:
        log.warning(WITHHELD, client.network)
        await audit.write(
            session, Event.LETTER_WITHHELD, client=client, registration=str(pending.id)
        )
    return withheld
