"""Registering, and confirming the address."""

from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app import letters
from app.config import Config
from app.kit import passwords
from app.kit.addresses import email_key
from app.kit.client import Client
from app.kit.errors import LinkUnusable, TooManyTries, UsernameTaken, WrongPassword
from app.kit.links import new_link, open_link
from app.kit.passwords import PasswordHasher
from app.kit.sealing import Purpose, seal, unseal
from app.limits import limits
from app.models import audit, outbox, role, throttle, token, user
from app.models import registration as registrations
from app.models.audit import Event
from app.models.registration import Pending

CONFIRM_VALID_HOURS = 24
RESEND_VALID_MINUTES = 30

_CONFIRM_VALID = timedelta(hours=CONFIRM_VALID_HOURS)
_RESEND_VALID = timedelta(minutes=RESEND_VALID_MINUTES)


class Opened(NamedTuple):
    """A confirmation link that could be used now.

    ``is_proven``: the browser is the one that registered, so that a button is enough. In any other
    the person shows by the password that this registration is his own (SECURITY.md TK-13).
    """

    username: str
    is_proven: bool


async def register(
    session: AsyncSession,
    *,
    config: Config,
    hasher: PasswordHasher,
    username: str,
    email: str,
    password: str,
    client: Client,
) -> str:
    """Write a registration down, and write to its address.

    Returns:
        A receipt for the browser that registered. The same for a known and a new address
        (SECURITY.md EN-03): the owner of a known one gets the letter that fits.

    Raises:
        WeakPassword: the password is refused, with the reason.
        UsernameTaken: user names are public.
        TooManyTries: from this network.
        TooBusy: too many passwords wait to be hashed.
    """
    context = [config.site_name, username, email, *email.split("@")]
    passwords.check_policy(password, shortest=config.password_min_length, context=context)
    with hasher.place():
        async with session.begin():
            taken = await user.is_username_taken(session, username)
            wait = 0 if taken else await _take_try(session, config, client)
        if taken:
            raise UsernameTaken
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
            lasts=_CONFIRM_VALID,
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
    text = unseal(config.signing_keys, Purpose.RESEND, ticket, valid=_RESEND_VALID)
    if text is None:
        raise LinkUnusable
    async with session.begin():
        pending = await registrations.find(session, UUID(text))
        if pending is not None:
            await _write_letter(session, config, pending, client)


async def open_confirmation(
    session: AsyncSession, *, config: Config, sealed: str, receipt: str
) -> Opened:
    """Return what a confirmation link is about, without using it up.

    Raises:
        LinkUnusable: used, expired, foreign or garbled.
    """
    async with session.begin():
        pending = await _find(session, config, sealed)
    if pending is None:
        raise LinkUnusable
    return Opened(pending.username, _is_proven(config, pending, receipt))


async def confirm(
    session: AsyncSession,
    *,
    config: Config,
    hasher: PasswordHasher,
    sealed: str,
    receipt: str,
    password: str,
    client: Client,
) -> None:
    """Make an account of a registration by its link; of any number of clicks one wins.

    ``receipt`` is what ``register`` returned to this browser; without it ``password`` has to be the
    registration's. The address ``ADMIN_EMAIL`` becomes Administrator now.

    Raises:
        LinkUnusable: used, expired, foreign, garbled, or the address has an account by now.
        UsernameTaken: the user name went to somebody else meanwhile.
        WrongPassword: neither receipt nor password show that the registration is the person's own.
        TooManyTries: of passwords for this registration.
        TooBusy: too many passwords wait to be checked.
    """
    async with session.begin():
        pending = await _find(session, config, sealed)
    if pending is None:
        raise LinkUnusable
    if not _is_proven(config, pending, receipt):
        await _prove(session, config, hasher, pending, password)
    async with session.begin():
        name_is_free = not await user.is_username_taken(session, pending.username)
        confirmed = name_is_free and await _settle(session, config, pending, client)
    if not name_is_free:
        raise UsernameTaken("This user name is taken by now. Please register again with another.")
    if not confirmed:
        raise LinkUnusable


async def _find(session: AsyncSession, config: Config, sealed: str) -> Pending | None:
    digest = open_link(Purpose.CONFIRM, sealed, keys=config.signing_keys, valid=_CONFIRM_VALID)
    registration_id = digest and await token.find_registration(session, digest)
    return await registrations.find(session, registration_id) if registration_id else None


def _is_proven(config: Config, pending: Pending, receipt: str) -> bool:
    keys = config.signing_keys
    return unseal(keys, Purpose.REGISTERED, receipt, valid=_CONFIRM_VALID) == str(pending.id)


async def _prove(
    session: AsyncSession, config: Config, hasher: PasswordHasher, pending: Pending, password: str
) -> None:
    if not password:
        raise WrongPassword("Please enter the password that you registered with.")
    if not passwords.fits(password):
        raise WrongPassword
    with hasher.place():
        async with session.begin():
            policy = limits(config).logins_of_account
            attempt = await throttle.take_delayed(session, f"confirm:{pending.id}", policy)
        if attempt.wait:
            raise TooManyTries(attempt.wait)
        verdict = await hasher.verify(password, pending.password_hash)
    if not verdict.is_right:
        raise WrongPassword


async def _settle(session: AsyncSession, config: Config, pending: Pending, client: Client) -> bool:
    if await registrations.take(session, pending.id) is None:
        return False
    user_id = await user.add(
        session,
        email=pending.email,
        username=pending.username,
        password_hash=pending.password_hash,
        role_id=await role.default_id(session),
    )
    if user_id is None:
        return False
    await audit.write(
        session, Event.CONFIRMED, client=client, subject_id=user_id, registration=str(pending.id)
    )
    if config.admin_email and email_key(pending.email) == email_key(config.admin_email):
        await user.set_role(session, user_id, role.ADMINISTRATOR)
        await audit.write(
            session, Event.ROLE_SET, client=client, subject_id=user_id, role=role.ADMINISTRATOR
        )
    return True


async def _take_try(session: AsyncSession, config: Config, client: Client) -> float:
    name = f"registrations:network:{client.network}"
    return await throttle.take_all(session, name, limits(config).logins_of_network)


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
            valid=_CONFIRM_VALID,
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
    buckets = {
        f"letters:account:{email_key(pending.email)}": policy.letters_of_account,
        f"letters:network:{client.network}": policy.letters_of_network,
    }
    for name, rates in buckets.items():
        if await throttle.take_all(session, name, rates):
            kind = name.split(":")[1]
            await audit.write(session, Event.LETTER_WITHHELD, client=client, limit=kind)
            return True
    return False
