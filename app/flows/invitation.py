"""People whom an operator lets in: a one-time link on which they choose their password."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from app.context import Context
from app.kit.addresses import USERNAME_LONGEST
from app.kit.audit import Event
from app.kit.errors import AlreadyThere, LinkUnusable, NoSuchRole, TermsNotAccepted
from app.kit.links import INVITE_VALID_HOURS, VALID, new_link, open_link
from app.kit.sealing import Purpose
from app.mail import messages
from app.models import credentials, outbox, role, token
from app.models import session as sessions
from app.models import user as users
from app.models.token import LinkOwner
from app.steps import authorization, new_password, user_deeds, usernames
from app.steps import profile as profiles
from app.steps.recording import note, record

AT_ONCE = 25
NAMES_TRIED = 100


class Wanted(NamedTuple):
    """Whom to invite, by address and the username that they are to get if it is free."""

    email: str
    username: str


class InvitationOutcome(NamedTuple):
    """What became of it. Not ``is_invited``: the address has an account; or no name was free."""

    email: str
    username: str
    is_invited: bool


class Invitation(NamedTuple):
    """``url`` is a one-time link, shown once."""

    username: str
    url: str


async def invite(ctx: Context, *, username: str, email: str, role_name: str | None) -> Invitation:
    """Make a confirmed account without a password and return the link on which to choose one.

    For somebody who is invited already and has no password yet, the link is made anew; without
    ``role_name`` the role stays. A new person without one gets the default role.

    Raises:
        NoSuchRole: there is no such role.
        AlreadyThere: the address or the username is somebody's.
    """
    link = new_link(Purpose.INVITE, public_url=ctx.config.public_url, keys=ctx.config.signing_keys)
    invited = _Invited(username, email, role_name, link.digest)
    async with ctx.db.begin():
        outcome = await _write_down(ctx, invited)
    _require(outcome, role_name)
    return Invitation(username, link.url)


async def invite_by_email(
    ctx: Context, *, username: str, email: str, role_name: str | None
) -> UUID:
    """Make an account like ``invite``; the link goes to the address, and nobody else sees it.

    Returns:
        The user's id.

    Raises:
        NoSuchRole: there is no such role.
        AlreadyThere: the address or the username is somebody's.
    """
    link = new_link(Purpose.INVITE, public_url=ctx.config.public_url, keys=ctx.config.signing_keys)
    invited = _Invited(username, email, role_name, link.digest)
    async with ctx.db.begin():
        outcome = await _write_down(ctx, invited)
        if outcome.user_id is not None:
            message = messages.invitation(
                to=outcome.email,
                site=ctx.brand,
                username=outcome.username,
                link=link.url,
                valid_hours=INVITE_VALID_HOURS,
            )
            await outbox.put(ctx.db, message)
            await record(ctx, Event.INVITED, subject_id=outcome.user_id)
    return _require(outcome, role_name)


async def invite_many(
    ctx: Context, invitations: Sequence[Wanted], *, role_name: str | None
) -> list[InvitationOutcome]:
    """Invite several people by email, in slices; return what became of each, in their order.

    Where a username is taken, a number goes behind it.

    Raises:
        NoSuchRole: there is no such role; nobody is invited.
    """
    outcomes: list[InvitationOutcome] = []
    for first in range(0, len(invitations), AT_ONCE):
        async with ctx.db.begin():
            await authorization.hold(ctx)
            role_id = await _role_id(ctx, role_name)
            names = await role.names(ctx.db)
            some = invitations[first : first + AT_ONCE]
            if role_id is not None:
                outcomes += [await _invite_one(ctx, each, role_id) for each in some]
        if role_id is None:
            raise NoSuchRole(role=role_name, names=names)
    return outcomes


async def _role_id(ctx: Context, name: str | None) -> int | None:
    return await role.find_id(ctx.db, name) if name else await role.default_id(ctx.db)


async def _invite_one(ctx: Context, wanted: Wanted, role_id: int) -> InvitationOutcome:
    """Make an account, if the address has none yet, and write to it."""
    if await credentials.find(ctx.db, wanted.email) is not None:
        return InvitationOutcome(wanted.email, "", is_invited=False)
    for number in ("", *range(2, NAMES_TRIED)):
        username = f"{wanted.username[: USERNAME_LONGEST - 3]}{number}"
        user_id = await users.add(
            ctx.db, email=wanted.email, username=username, password_hash=None, role_id=role_id
        )
        user = await credentials.find_by_id(ctx.db, user_id) if user_id else None
        if user is not None:
            await record(ctx, Event.CREATED, subject_id=user.id)
            await user_deeds.invite(ctx, user)
            return InvitationOutcome(wanted.email, username, is_invited=True)
    return InvitationOutcome(wanted.email, wanted.username, is_invited=False)


async def find_invitation(ctx: Context, *, sealed: str) -> LinkOwner:
    """Return whom an invitation is for, without using it up.

    Raises:
        LinkUnusable: used, expired, foreign or garbled.
    """
    digest = open_link(Purpose.INVITE, sealed, keys=ctx.config.signing_keys)
    async with ctx.db.begin():
        owner = await token.find_owner(ctx.db, digest, purpose=Purpose.INVITE) if digest else None
    if owner is None:
        raise LinkUnusable
    return owner


async def accept(
    ctx: Context,
    *,
    sealed: str,
    password: str,
    accepts_terms: bool = False,
    profile: Mapping[str, str] | None = None,
) -> None:
    """Give an invited person the password that they chose; the link is used up.

    ``profile``: values of the fields that the site asks for here, by name.

    Raises:
        LinkUnusable: used, expired, foreign or garbled.
        TermsNotAccepted: there are terms; the link stays good.
        WrongProfile: one of the site's own fields is wrong; the link stays good.
        WeakPassword: the password is refused, with the reason; the link stays good.
        TooBusy: too many passwords wait to be hashed; the link stays good.
    """
    owner = await find_invitation(ctx, sealed=sealed)
    if ctx.config.terms_url and not accepts_terms:
        raise TermsNotAccepted
    values = profiles.cleaned(ctx, "invitation", profile or {})
    password_hash = await new_password.hashed(ctx, password, **owner._asdict())
    digest = open_link(Purpose.INVITE, sealed, keys=ctx.config.signing_keys)
    async with ctx.db.begin():
        taken = digest and await token.take(ctx.db, digest, purpose=Purpose.INVITE)
        if taken:
            await credentials.set_password_hash(ctx.db, taken.user_id, password_hash)
            if ctx.config.terms_url:
                await users.accept_terms(ctx.db, taken.user_id)
            await sessions.end_all(ctx.db, taken.user_id)
            await token.void(ctx.db, taken.user_id, Purpose.RESET)
            await profiles.save(ctx, taken.user_id, values)
            await note(ctx, Event.PASSWORD_SET, subject_id=taken.user_id)
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
    username: str = ""


def _require(outcome: _Outcome, role_name: str | None) -> UUID:
    if outcome.roles:
        raise NoSuchRole(role=role_name, names=list(outcome.roles))
    if outcome.user_id is None:
        raise AlreadyThere
    return outcome.user_id


async def _write_down(ctx: Context, invited: _Invited) -> _Outcome:
    present = await credentials.find(ctx.db, invited.email)
    await authorization.hold(ctx, *([present.id] if present else []))
    role_id = await role.find_id(ctx.db, invited.role_name) if invited.role_name else None
    if invited.role_name is not None and role_id is None:
        return _Outcome(None, await role.names(ctx.db))
    username = invited.username
    if not username:  # who has an invitation already keeps the name that was made for them
        made = usernames.chosen_or_made(ctx.config, "", email=invited.email)
        username = present.username if present else made
    added = await users.add(
        ctx.db,
        email=invited.email,
        username=username,
        password_hash=None,
        role_id=role_id or await role.default_id(ctx.db),
    )
    user = await credentials.find(ctx.db, invited.email)
    if user is None or user.username != username:
        return _Outcome(None, [])
    if added is None and not await users.invite_again(ctx.db, user.id, role_id=role_id):
        return _Outcome(None, [])
    await token.void(ctx.db, user.id, Purpose.INVITE)
    await token.add(
        ctx.db,
        digest=invited.link_digest,
        purpose=Purpose.INVITE,
        valid=VALID[Purpose.INVITE],
        user_id=user.id,
    )
    if added is None and invited.role_name is not None:
        await record(ctx, Event.ROLE_SET, subject_id=user.id, role=invited.role_name)
    if added is not None or ctx.is_operator:
        await record(ctx, Event.CREATED, subject_id=user.id)
    return _Outcome(user.id, [], user.email, user.username)
