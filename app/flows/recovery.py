"""A forgotten password: a letter, and the link in it on which another one is chosen."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app import letters
from app.config import Config
from app.kit.client import Client
from app.kit.errors import LinkUnusable, TooManyTries, UsernameTaken
from app.kit.links import open_link
from app.kit.passwords import PasswordHasher
from app.kit.sealing import Purpose
from app.limits import limits
from app.models import audit, device, registration, throttle, token, user
from app.models import session as sessions
from app.models.audit import Event
from app.models.registration import Pending
from app.models.token import Owner
from app.models.user import Credentials
from app.steps import browsers, choosing, notices, proof, quota, resetting, settling


class Reset(NamedTuple):
    """``browser`` goes into the browser's cookie: its owner has shown that the mail is his."""

    browser: str | None


async def request_reset(
    session: AsyncSession, *, config: Config, name: str, client: Client
) -> None:
    """Write to the person of an address or user name, if there is one.

    Nobody learns whether there is one: a blocked person and nobody cost the same, and get nothing
    (EN-04). The limits of letters are silent.

    Raises:
        TooManyTries: from this network.
    """
    rates = {
        f"resets:network:{client.network}": limits(config).logins_of_network,
        **quota.of_network(config, client),
    }
    async with session.begin():
        wait = await throttle.take_all(session, rates)
        if not wait:
            await _answer(session, config, name, client)
    if wait:
        raise TooManyTries(wait)


async def find_reset(session: AsyncSession, *, config: Config, sealed: str) -> Owner:
    """Return whose password a link would replace, without using it up.

    Raises:
        LinkUnusable: used, expired, foreign or garbled.
    """
    digest = open_link(Purpose.RESET, sealed, keys=config.signing_keys)
    async with session.begin():
        owner = digest and (await _owner(session, digest))
    if not owner:
        raise LinkUnusable
    return owner


async def reset_password(
    session: AsyncSession,
    *,
    config: Config,
    hasher: PasswordHasher,
    sealed: str,
    password: str,
    client: Client,
    browser: str | None,
) -> Reset:
    """Give a person another password by a link; of any number of clicks one wins.

    Nobody is signed in by it, all sessions end, older links are void, and who is blocked stays so
    (TK-09). The address is confirmed by it: a registration that waited becomes an account.

    Raises:
        LinkUnusable: used, expired, foreign, garbled.
        UsernameTaken: the user name of a registration went to somebody else meanwhile.
        WeakPassword: the password is refused, with the reason; the link stays good.
        TooBusy: too many passwords wait to be hashed; the link stays good.
    """
    owner = await find_reset(session, config=config, sealed=sealed)
    password_hash = await choosing.hashed(config, hasher, password, client, **owner._asdict())
    digest = open_link(Purpose.RESET, sealed, keys=config.signing_keys)
    done, name_is_gone = None, False
    async with session.begin():
        pending = digest and await _find_pending(session, digest)
        if pending:
            done = await _settle(session, config, pending, password_hash, client)
            name_is_gone = not done and await user.is_username_taken(session, pending.username)
        elif digest:
            done = await _replace(session, config, digest, password_hash, client, browser)
    if name_is_gone:
        raise UsernameTaken("This user name is taken by now. Please register again with another.")
    if done is None:
        raise LinkUnusable
    return done


async def _answer(session: AsyncSession, config: Config, name: str, client: Client) -> None:
    person = await user.find(session, name)
    pending = await registration.newest(session, name)
    if person is not None and person.blocked_at is not None:
        person = pending = None
    addressee: Credentials | Pending | None = person or pending
    await audit.write(session, Event.RESET_ASKED, client=client, subject_id=person and person.id)
    email = addressee.email if addressee else name
    if await quota.is_withheld(session, config, quota.Kind.RESET, email, client):
        return
    await resetting.send(session, config, addressee)


async def _owner(session: AsyncSession, digest: bytes) -> Owner | None:
    pending = await _find_pending(session, digest)
    if pending is not None:
        return Owner(pending.username, pending.email)
    return await token.find_owner(session, digest, purpose=Purpose.RESET)


async def _find_pending(session: AsyncSession, digest: bytes) -> Pending | None:
    found = await token.find_registration(session, digest, purpose=Purpose.RESET)
    return await registration.find(session, found) if found else None


async def _settle(
    session: AsyncSession, config: Config, pending: Pending, password_hash: str, client: Client
) -> Reset | None:
    settled = await settling.settle(
        session, config, pending, password_hash=password_hash, client=client
    )
    return Reset(None) if settled else None


async def _replace(
    session: AsyncSession,
    config: Config,
    digest: bytes,
    password_hash: str,
    client: Client,
    browser: str | None,
) -> Reset | None:
    taken = await token.take(session, digest, purpose=Purpose.RESET)
    person = taken and await user.find_by_id(session, taken.user_id)
    if not taken or not person or taken.email != person.email:
        return None
    user_id: UUID = person.id
    await user.set_password_hash(session, user_id, password_hash)
    await sessions.end_all(session, user_id)
    await token.void(session, user_id, Purpose.RESET, Purpose.CHANGE_EMAIL, Purpose.INVITE)
    await throttle.give_back(session, proof.bucket_of_person(user_id))
    await device.forget_all(session, user_id)
    named = await browsers.remember(session, config, user_id, browser)
    await audit.write(session, Event.PASSWORD_RESET, client=client, subject_id=user_id)
    await notices.tell(session, config, person, letters.password_changed, client)
    return Reset(named.text)
