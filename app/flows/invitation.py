"""People whom an operator lets in: a one-time link on which they choose their password."""

from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from app.config import Config
from app.kit import passwords
from app.kit.client import Client
from app.kit.errors import AlreadyThere, LinkUnusable, NoSuchRole, TermsNotAccepted
from app.kit.links import VALID, new_link, open_link
from app.kit.passwords import PasswordHasher
from app.kit.sealing import Purpose
from app.models import audit, role, token, user
from app.models import session as sessions
from app.models.audit import Event
from app.models.token import Owner


class Invitation(NamedTuple):
    """``url`` is a one-time link, shown once."""

    username: str
    url: str


async def invite(
    session: AsyncSession,
    *,
    config: Config,
    username: str,
    email: str,
    role_name: str | None,
    client: Client,
) -> Invitation:
    """Make a confirmed account without a password and return the link on which to choose one.

    For somebody who is invited already and has no password yet, the link is made anew; without
    ``role_name`` the role stays. A new person without one gets the default role.

    Raises:
        NoSuchRole: there is no such role.
        AlreadyThere: the address or the user name is somebody's.
    """
    link = new_link(Purpose.INVITE, public_url=config.public_url, keys=config.signing_keys)
    async with session.begin():
        role_id = await role.find_id(session, role_name) if role_name else None
        roles = await role.names(session)
        unknown = role_name is not None and role_id is None
        invited = not unknown and await _write_down(
            session, username=username, email=email, role_id=role_id, link_digest=link.digest
        )
        if invited:
            person = await user.find(session, email)
            subject_id = person and person.id
            await audit.write(session, Event.CREATED, client=client, subject_id=subject_id)
    if unknown:
        raise NoSuchRole(f"There is no role “{role_name}”; there are {', '.join(roles)}.")
    if not invited:
        raise AlreadyThere
    return Invitation(username, link.url)


async def find_invitation(session: AsyncSession, *, config: Config, sealed: str) -> Owner:
    """Return whom an invitation is for, without using it up.

    Raises:
        LinkUnusable: used, expired, foreign or garbled.
    """
    digest = open_link(Purpose.INVITE, sealed, keys=config.signing_keys)
    async with session.begin():
        owner = await token.find_owner(session, digest, purpose=Purpose.INVITE) if digest else None
    if owner is None:
        raise LinkUnusable
    return owner


async def accept(
    session: AsyncSession,
    *,
    config: Config,
    hasher: PasswordHasher,
    sealed: str,
    password: str,
    client: Client,
    accepts_terms: bool = False,
) -> None:
    """Give an invited person the password that he chose; the link is used up.

    Raises:
        LinkUnusable: used, expired, foreign or garbled.
        TermsNotAccepted: there are terms; the link stays good.
        WeakPassword: the password is refused, with the reason; the link stays good.
        TooBusy: too many passwords wait to be hashed; the link stays good.
    """
    owner = await find_invitation(session, config=config, sealed=sealed)
    if config.terms_url and not accepts_terms:
        raise TermsNotAccepted
    context = passwords.own_words(site=config.site_name, **owner._asdict())
    passwords.check_policy(password, shortest=config.password_min_length, context=context)
    with hasher.place():
        password_hash = await hasher.hash(password)
    digest = open_link(Purpose.INVITE, sealed, keys=config.signing_keys)
    async with session.begin():
        user_id = digest and await token.take(session, digest, purpose=Purpose.INVITE)
        if user_id:
            await user.set_password_hash(session, user_id, password_hash)
            if config.terms_url:
                await user.accept_terms(session, user_id)
            await sessions.end_all(session, user_id)
            await audit.write(session, Event.PASSWORD_SET, client=client, subject_id=user_id)
    if not user_id:
        raise LinkUnusable


async def _write_down(
    session: AsyncSession, *, username: str, email: str, role_id: int | None, link_digest: bytes
) -> bool:
    user_id = await user.add(
        session,
        email=email,
        username=username,
        password_hash=None,
        role_id=role_id or await role.default_id(session),
    )
    person = await user.find(session, email)
    if person is None or person.username != username:
        return False
    if user_id is None and not await user.invite_again(session, person.id, role_id=role_id):
        return False
    await token.void(session, person.id, purpose=Purpose.INVITE)
    await token.add(
        session,
        digest=link_digest,
        purpose=Purpose.INVITE,
        valid=VALID[Purpose.INVITE],
        user_id=person.id,
    )
    return True
