"""People whom an operator lets in: a one-time link on which they choose their password."""

from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app import letters
from app.config import Config
from app.kit.actor import Actor, id_of
from app.kit.client import Client
from app.kit.errors import AlreadyThere, LinkUnusable, NoSuchRole, TermsNotAccepted
from app.kit.links import INVITE_VALID_HOURS, VALID, new_link, open_link
from app.kit.passwords import PasswordHasher
from app.kit.sealing import Purpose
from app.models import audit, outbox, role, token, user
from app.models import session as sessions
from app.models.audit import Event
from app.models.token import Owner
from app.steps import acting, choosing


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
    invited = _Invited(username, email, role_name, link.digest)
    async with session.begin():
        outcome = await _write_down(session, invited, client=client, actor=None)
    _require(outcome, role_name)
    return Invitation(username, link.url)


async def invite_by_letter(
    session: AsyncSession,
    *,
    config: Config,
    username: str,
    email: str,
    role_name: str | None,
    client: Client,
    actor: Actor | None,
) -> UUID:
    """Make an account like ``invite``; the link goes to the address, and nobody else sees it.

    Returns:
        The person's id.

    Raises:
        NoSuchRole: there is no such role.
        AlreadyThere: the address or the user name is somebody's.
    """
    link = new_link(Purpose.INVITE, public_url=config.public_url, keys=config.signing_keys)
    invited = _Invited(username, email, role_name, link.digest)
    async with session.begin():
        outcome = await _write_down(session, invited, client=client, actor=actor)
        if outcome.user_id is not None:
            letter = letters.invitation(
                to=outcome.email,
                site=config.site_name,
                username=username,
                link=link.url,
                valid_hours=INVITE_VALID_HOURS,
            )
            await outbox.put(session, letter)
            await audit.write(
                session,
                Event.INVITED,
                client=client,
                subject_id=outcome.user_id,
                actor_id=id_of(actor),
            )
    return _require(outcome, role_name)


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
    password_hash = await choosing.hashed(config, hasher, password, client, **owner._asdict())
    digest = open_link(Purpose.INVITE, sealed, keys=config.signing_keys)
    async with session.begin():
        taken = digest and await token.take(session, digest, purpose=Purpose.INVITE)
        if taken:
            await user.set_password_hash(session, taken.user_id, password_hash)
            if config.terms_url:
                await user.accept_terms(session, taken.user_id)
            await sessions.end_all(session, taken.user_id)
            await token.void(session, taken.user_id, Purpose.RESET)
            await audit.write(session, Event.PASSWORD_SET, client=client, subject_id=taken.user_id)
    if not taken:
        raise LinkUnusable


class _Invited(NamedTuple):
    """Who is to be let in; without ``role_name`` a new person gets the default role."""

    username: str
    email: str
    role_name: str | None
    link_digest: bytes


class _Outcome(NamedTuple):
    """``roles`` are those there are, if the wanted one is not; ``user_id`` is None if refused.

    ``email`` is the account's own, whatever was typed.
    """

    user_id: UUID | None
    roles: list[str]
    email: str = ""


def _require(outcome: _Outcome, role_name: str | None) -> UUID:
    if outcome.roles:
        raise NoSuchRole(f"There is no role “{role_name}”; there are {', '.join(outcome.roles)}.")
    if outcome.user_id is None:
        raise AlreadyThere
    return outcome.user_id


async def _write_down(
    session: AsyncSession, invited: _Invited, *, client: Client, actor: Actor | None
) -> _Outcome:
    present = await user.find(session, invited.email)
    await acting.hold(session, actor, *([present.id] if present else []))
    role_id = await role.find_id(session, invited.role_name) if invited.role_name else None
    if invited.role_name is not None and role_id is None:
        return _Outcome(None, await role.names(session))
    added = await user.add(
        session,
        email=invited.email,
        username=invited.username,
        password_hash=None,
        role_id=role_id or await role.default_id(session),
    )
    person = await user.find(session, invited.email)
    if person is None or person.username != invited.username:
        return _Outcome(None, [])
    if added is None and not await user.invite_again(session, person.id, role_id=role_id):
        return _Outcome(None, [])
    await token.void(session, person.id, Purpose.INVITE)
    await token.add(
        session,
        digest=invited.link_digest,
        purpose=Purpose.INVITE,
        valid=VALID[Purpose.INVITE],
        user_id=person.id,
    )
    if added is None and invited.role_name is not None:
        await audit.write(
            session,
            Event.ROLE_SET,
            client=client,
            subject_id=person.id,
            actor_id=id_of(actor),
            role=invited.role_name,
        )
    if added is not None or actor is None:
        await audit.write(
            session, Event.CREATED, client=client, subject_id=person.id, actor_id=id_of(actor)
        )
    return _Outcome(person.id, [], person.email)
