"""Registering, and confirming the address."""

from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app import letters
from app.config import Config
from app.kit import passwords
from app.kit.addresses import email_key
from app.kit.client import Client
from app.kit.errors import LinkUnusable, UsernameTaken
from app.kit.links import new_link, open_link
from app.kit.passwords import PasswordHasher
from app.kit.sealing import Purpose, unseal
from app.limits import limits
from app.models import audit, outbox, role, throttle, token, user
from app.models.audit import Event
from app.models.token import Taken
from app.models.user import Credentials

CONFIRM_VALID_HOURS = 24
RESEND_VALID_MINUTES = 30

_CONFIRM_VALID = timedelta(hours=CONFIRM_VALID_HOURS)
_RESEND_VALID = timedelta(minutes=RESEND_VALID_MINUTES)


class Registration(NamedTuple):
    """What a person who registers wants to be known by."""

    username: str
    email: str
    password_hash: str


async def register(
    session: AsyncSession,
    *,
    config: Config,
    hasher: PasswordHasher,
    username: str,
    email: str,
    password: str,
    client: Client,
) -> None:
    """Make an unconfirmed account and write to its address.

    Returns:
        Nothing, and the same for a known and a new address (SECURITY.md EN-03): the owner of a
        known one gets the letter that fits.

    Raises:
        WeakPassword: the password is refused, with the reason.
        UsernameTaken: user names are public.
        TooBusy: too many passwords wait to be hashed.
    """
    context = [config.site_name, username, email, *email.split("@")]
    passwords.check_policy(password, shortest=config.password_min_length, context=context)
    async with session.begin():
        taken = await user.is_username_taken(session, username)
        withheld = not taken and await _is_letter_withheld(session, config, client)
    if taken:
        raise UsernameTaken
    if withheld:
        return
    password_hash = await hasher.hash(password)
    async with session.begin():
        new = Registration(username, email, password_hash)
        written = await _write_down(session, config, new, client)
    if not written:
        raise UsernameTaken


async def resend(session: AsyncSession, *, config: Config, ticket: str, client: Client) -> None:
    """Send the letter of an unconfirmed account again, to who knows its password.

    ``ticket`` is what ``resend_ticket`` gave to that person's login page. A limit is silent.

    Raises:
        LinkUnusable: the ticket is garbled or too old.
    """
    text = unseal(config.signing_keys, Purpose.RESEND, ticket, valid=_RESEND_VALID)
    if text is None:
        raise LinkUnusable
    async with session.begin():
        person = await user.find_by_id(session, UUID(text))
        if person is None or person.is_confirmed or person.is_blocked:
            return
        if await _is_letter_withheld(session, config, client):
            return
        await audit.write(session, Event.CONFIRMATION_RESENT, client=client, subject_id=person.id)
        await _ask_to_confirm(session, config, person, client)


async def find_registration(session: AsyncSession, *, config: Config, sealed: str) -> str:
    """Return the user name that a confirmation link is about, without using the link up.

    Raises:
        LinkUnusable: used, expired, foreign or garbled.
    """
    digest = open_link(Purpose.CONFIRM, sealed, keys=config.signing_keys, valid=_CONFIRM_VALID)
    async with session.begin():
        username = digest and await token.username_of(session, digest, purpose=Purpose.CONFIRM)
    if not username:
        raise LinkUnusable
    return username


async def confirm(session: AsyncSession, *, config: Config, sealed: str, client: Client) -> None:
    """Confirm an address by its link; of any number of clicks one wins.

    The address ``ADMIN_EMAIL`` becomes Administrator now.

    Raises:
        LinkUnusable: used, expired, foreign, garbled, or the address has changed since.
        UsernameTaken: this registration's user name went to somebody else meanwhile.
    """
    digest = open_link(Purpose.CONFIRM, sealed, keys=config.signing_keys, valid=_CONFIRM_VALID)
    try:
        async with session.begin():
            taken = digest and await token.take(session, digest, purpose=Purpose.CONFIRM)
            confirmed = taken and await _confirm(session, config, taken, client)
    except IntegrityError:
        raise UsernameTaken(
            "Somebody else has taken this user name meanwhile. Please register again with another."
        ) from None
    if not confirmed:
        raise LinkUnusable


async def _write_down(
    session: AsyncSession, config: Config, new: Registration, client: Client
) -> bool:
    """Add the account, or write to whoever has the address; False if only the name is taken."""
    user_id = await user.add(
        session,
        email=new.email,
        username=new.username,
        password_hash=new.password_hash,
        role_id=await role.default_id(session),
    )
    person = await user.find(session, new.email)
    if person is None:
        return False
    if user_id is not None:
        await audit.write(session, Event.REGISTERED, client=client, subject_id=user_id)
        await _ask_to_confirm(session, config, person, client)
    else:
        await audit.write(session, Event.REGISTERED_AGAIN, client=client, subject_id=person.id)
        await _answer_owner(session, config, person, new, client)
    return True


async def _answer_owner(
    session: AsyncSession, config: Config, person: Credentials, new: Registration, client: Client
) -> None:
    """Write to the owner of an address that is registered again.

    An unconfirmed account may be a stranger's: this letter's link carries its own registration,
    so that who follows it gets what he chose himself (pre-hijacking, SECURITY.md TK-13).
    """
    if not person.is_confirmed:
        await _ask_to_confirm(session, config, person, client, instead=new)
    elif await _may_write_to(session, config, person, client):
        letter = letters.already_registered(
            to=person.email,
            site=config.site_name,
            username=person.username,
            login_url=f"{config.public_url}/login",
        )
        await outbox.put(session, letter)


async def _ask_to_confirm(
    session: AsyncSession,
    config: Config,
    person: Credentials,
    client: Client,
    *,
    instead: Registration | None = None,
) -> None:
    if not await _may_write_to(session, config, person, client):
        return
    link = new_link(Purpose.CONFIRM, public_url=config.public_url, keys=config.signing_keys)
    await token.add(
        session,
        digest=link.digest,
        purpose=Purpose.CONFIRM,
        valid=_CONFIRM_VALID,
        user_id=person.id,
        email_key=email_key(person.email),
        username=instead and instead.username,
        password_hash=instead and instead.password_hash,
    )
    letter = letters.confirm_address(
        to=person.email,
        site=config.site_name,
        username=instead.username if instead else person.username,
        link=link.url,
        valid_hours=CONFIRM_VALID_HOURS,
    )
    await outbox.put(session, letter)


async def _confirm(session: AsyncSession, config: Config, taken: Taken, client: Client) -> bool:
    if taken.username is not None and taken.password_hash is not None:
        await user.replace_registration(
            session, taken.user_id, username=taken.username, password_hash=taken.password_hash
        )
    if not await user.confirm(session, taken.user_id, email_key=taken.email_key):
        return False
    await token.void(session, taken.user_id, purpose=Purpose.CONFIRM)
    await audit.write(session, Event.CONFIRMED, client=client, subject_id=taken.user_id)
    if config.admin_email is not None and taken.email_key == email_key(config.admin_email):
        await user.set_role(session, taken.user_id, role.ADMINISTRATOR)
        await audit.write(
            session,
            Event.ROLE_SET,
            client=client,
            subject_id=taken.user_id,
            role=role.ADMINISTRATOR,
        )
    return True


async def _is_letter_withheld(session: AsyncSession, config: Config, client: Client) -> bool:
    rates = limits(config).letters_of_network
    if not await throttle.take_all(session, f"letters:network:{client.network}", rates):
        return False
    await audit.write(session, Event.LETTER_WITHHELD, client=client, limit="network")
    return True


async def _may_write_to(
    session: AsyncSession, config: Config, person: Credentials, client: Client
) -> bool:
    rates = limits(config).letters_of_account
    if not await throttle.take_all(session, f"letters:account:{person.id}", rates):
        return True
    await audit.write(
        session, Event.LETTER_WITHHELD, client=client, subject_id=person.id, limit="account"
    )
    return False
