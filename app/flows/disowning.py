"""'This wasn't me': one link that ends what somebody else did to an account."""

from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from app.config import Config
from app.kit.addresses import canonical
from app.kit.client import Client
from app.kit.errors import LinkUnusable
from app.kit.links import open_link
from app.kit.sealing import Purpose
from app.models import audit, device, token, user
from app.models import session as sessions
from app.models.audit import Event
from app.models.token import Taken
from app.models.user import Credentials
from app.steps import resetting

USED_UP = (
    "This link was used already, or is too old. If you cannot sign in, ask for a new password "
    "on the sign-in page."
)


class Opened(NamedTuple):
    """A link that could be used now. ``email`` is where its letter went.

    ``is_moved``: the account has another address by now, and would get this one back.
    """

    username: str
    email: str
    is_moved: bool


class Disowned(NamedTuple):
    """``email`` is where the letter went on which another password is chosen.

    ``is_lost``: the address of before belongs to another account by now, and could not be given
    back.
    """

    email: str
    is_lost: bool


async def open_notice(session: AsyncSession, *, config: Config, sealed: str) -> Opened:
    """Return what a link is about, without using it up.

    Raises:
        LinkUnusable: used, expired, foreign or garbled.
    """
    digest = open_link(Purpose.NOT_ME, sealed, keys=config.signing_keys)
    async with session.begin():
        found = digest and await token.find(session, digest, purpose=Purpose.NOT_ME)
        person = found and await user.find_by_id(session, found.user_id)
    if not found or not person:
        raise LinkUnusable(USED_UP)
    return Opened(person.username, found.email or person.email, _is_moved(person, found))


async def disown(session: AsyncSession, *, config: Config, sealed: str, client: Client) -> Disowned:
    """Take an account back for the owner of the address to which a security letter went.

    Every browser is signed out, the password opens nothing any more, an address that was changed
    since the letter is changed back, a deletion is called off, and the letter for a new password
    goes out. Links of this kind that went out later, perhaps to an intruder's address, are void:
    the earlier letter wins.

    Raises:
        LinkUnusable: used, expired, foreign or garbled.
    """
    digest = open_link(Purpose.NOT_ME, sealed, keys=config.signing_keys)
    async with session.begin():
        taken = digest and await token.take(session, digest, purpose=Purpose.NOT_ME)
        person = taken and await user.find_by_id(session, taken.user_id)
        outcome = (
            await _take_back(session, config, person, taken, client) if taken and person else None
        )
    if outcome is None:
        raise LinkUnusable(USED_UP)
    return outcome


async def _take_back(
    session: AsyncSession, config: Config, person: Credentials, taken: Taken, client: Client
) -> Disowned:
    is_moved, is_lost = _is_moved(person, taken), False
    if is_moved and taken.email:
        is_lost = await user.set_email(session, person.id, taken.email) is None
    await user.disable_password(session, person.id)
    await user.stay(session, person.id)
    await sessions.end_all(session, person.id)
    await device.forget_all(session, person.id)
    await token.void(session, person.id, Purpose.RESET, Purpose.CHANGE_EMAIL, Purpose.KEEP)
    await token.void_like(session, taken, purpose=Purpose.NOT_ME)
    await audit.write(session, Event.DISOWNED, client=client, subject_id=person.id)
    if is_moved and not is_lost:
        await audit.write(session, Event.EMAIL_RESTORED, client=client, subject_id=person.id)
    now = person._replace(email=taken.email) if is_moved and taken.email and not is_lost else person
    await resetting.send(session, config, now)
    return Disowned(now.email, is_lost)


def _is_moved(person: Credentials, taken: Taken) -> bool:
    return taken.email is not None and canonical(taken.email) != canonical(person.email)
