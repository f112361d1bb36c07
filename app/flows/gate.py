"""Getting into an application, and out of it.

1. The application's own host starts, and lets the browser keep a nonce: ``new_state``.
2. Here the user signs in, the rule is asked, and they get a ticket: ``admit``.
3. The application's host takes the ticket from the browser that keeps the nonce: ``enter``.

No absolute address is ever taken from a request: where a site is stands in its row.
"""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from app.config import Config
from app.context import Context
from app.db import autocommit
from app.kit.audit import Event
from app.kit.errors import TooManyTries
from app.kit.gate_errors import GateExpired, NoSuchSite, NotAllowedThere
from app.kit.links import VALID
from app.kit.needs import Need, Rule, Rules
from app.kit.sealing import Purpose, seal, unseal
from app.kit.tokens import digest, new_secret
from app.kit.urls import local_path
from app.limits import Rate, limits, of_networks
from app.models import gate_session, gate_ticket, group, guarded_site, rate_limit
from app.models import user as users
from app.models.guarded_site import KnownSite
from app.steps import authorization
from app.steps.recording import note

START_MINUTES = 10
LATE = VALID[Purpose.CONFIRM]  # a way in may have led through an email
STATE_LONGEST = 2000
PATH_LONGEST = 1000
OWN = "/.vestibule"  # what of an application's paths is ours
REFUSED_AT_MOST = Rate(1, timedelta(hours=12))


class State(NamedTuple):
    """What the start on the application's host hands over. ``nonce`` is a digest."""

    site_id: UUID
    nonce: bytes
    path: str


class Admitted(NamedTuple):
    """Somebody may go in: ``url`` leads there. ``wants_factor``: but shows a second one first."""

    site: str
    url: str
    wants_factor: bool = False


class Entered(NamedTuple):
    """Somebody is in. ``secret`` goes into the cookie; ``seconds``: None until it is closed."""

    secret: str
    path: str
    seconds: int | None


def page_there(text: str | None) -> str:
    """Return a path of an application that somebody wants to go to, else its first page."""
    path = local_path(text) if text and len(text) <= PATH_LONGEST else None
    return "/" if path is None or path.startswith(f"{OWN}/") else path


def new_state(config: Config, *, site_id: UUID, nonce: str, path: str) -> str:
    """Return what a browser takes from the application's host to ours, signed."""
    text = f"{site_id} {digest(nonce).hex()} {path}"
    return seal(config.signing_keys, Purpose.GATE, text)


def read_state(config: Config, sealed: str, *, valid: timedelta | None = None) -> State:
    """Return what a browser brought.

    Raises:
        GateExpired: it is garbled or too old.
    """
    valid = valid or timedelta(minutes=START_MINUTES)
    text = unseal(config.signing_keys, Purpose.GATE, sealed, valid=valid, longest=STATE_LONGEST)
    if text is None:
        raise GateExpired
    site_id, nonce, path = text.split(" ", 2)
    return State(UUID(site_id), bytes.fromhex(nonce), page_there(path))


async def admit(ctx: Context, *, sealed: str, shows_factor: bool) -> Admitted:
    """Give who is signed in a ticket for the site at which they started.

    ``shows_factor``: they have shown a second factor in this session.

    Raises:
        GateExpired: what was brought is garbled or too old.
        NoSuchSite: it was removed or disabled meanwhile.
        NotAllowedThere: they lack what the page needs; it stands in the audit log.
        SignedOut, TooManyTries: as ``authorization.hold`` does.
    """
    state = read_state(ctx.config, sealed)
    ticket, is_met, needs_factor = new_secret(), False, False
    async with ctx.db.begin():
        await authorization.hold(ctx)
        site = _of_id(await guarded_site.everything(ctx.db), state.site_id)
        if site is not None:
            need = _rules(site).need_of(state.path.partition("?")[0].encode())
            groups = await group.of_user(ctx.db, ctx.user_id)
            held = await users.permissions_of(ctx.db, ctx.user_id, holding=False)
            is_met = need is not None and need.is_met(
                permissions=held, groups=groups, names=ctx.site.permissions
            )
            needs_factor = need is not None and need.factor and not shows_factor
        if site is not None and not is_met:
            await _note_refused(ctx, site.id, site.name, ctx.user_id, ctx.session_id)
        if site is not None and is_met and not needs_factor:
            await gate_ticket.add(
                ctx.db,
                digest=ticket.digest,
                site_id=site.id,
                session_id=ctx.session_id,
                nonce=state.nonce,
                path=state.path,
            )
    if site is None:
        raise NoSuchSite("gone")
    if not is_met:
        raise NotAllowedThere(site=site.name)
    url = f"{site.origin}{OWN}/enter?{urlencode({'ticket': ticket.text})}"
    return Admitted(site.name, url, wants_factor=needs_factor)


async def begin_again(ctx: Context, *, sealed: str) -> Admitted:
    """Return the page for which a way in was begun too long ago: there another one begins.

    Raises:
        GateExpired: what was brought is garbled, far too old, or of a site that is gone.
    """
    state = read_state(ctx.config, sealed, valid=LATE)
    async with autocommit(ctx.db):
        site = _of_id(await guarded_site.everything(ctx.db), state.site_id)
    if site is None:
        raise GateExpired
    return Admitted(site.name, f"{site.origin}{state.path}")


async def enter(ctx: Context, *, site_id: UUID, site: str, ticket: str, nonce: str) -> Entered:
    """Let the browser in that brings a ticket and keeps its nonce.

    Raises:
        GateExpired: the ticket is used, too old, of another site, or of another browser.
    """
    secret, owner = new_secret(), None
    async with ctx.db.begin():
        taken = await gate_ticket.take(
            ctx.db, digest=digest(ticket), site_id=site_id, nonce=digest(nonce)
        )
        if taken is not None:
            owner = await gate_session.hold_owner(ctx.db, taken.session_id)
        if taken is not None and owner is not None:
            await gate_session.start(
                ctx.db, digest=secret.digest, site_id=site_id, session_id=taken.session_id
            )
            await note(
                ctx,
                Event.GATE_ENTERED,
                actor_id=owner.user_id,
                subject_id=owner.user_id,
                site=site,
            )
    if taken is None or owner is None:
        raise GateExpired
    left = owner.expires_at - datetime.now(UTC)
    return Entered(secret.text, taken.path, int(left.total_seconds()) if owner.remembered else None)


async def note_refused(
    ctx: Context, *, site_id: UUID, site: str, user_id: UUID, session_id: UUID
) -> None:
    """Write down that somebody was not let into a part of a site, once per session and site."""
    async with ctx.db.begin():
        await _note_refused(ctx, site_id, site, user_id, session_id)


async def refuse_wrong_token(ctx: Context) -> None:
    """Count a wrong token against the network that it came from.

    Raises:
        TooManyTries: it has sent many.
    """
    rates = of_networks("tokens", ctx.client, limits(ctx.config).logins_of_network)
    async with ctx.db.begin():
        wait = await rate_limit.take_all(ctx.db, rates)
    if wait:
        raise TooManyTries(wait)


async def _note_refused(
    ctx: Context, site_id: UUID, name: str, user_id: UUID, session_id: UUID
) -> None:
    once = {f"refused:{session_id}:{site_id}": (REFUSED_AT_MOST,)}
    if not await rate_limit.take_all(ctx.db, once):
        await note(ctx, Event.GATE_REFUSED, actor_id=user_id, subject_id=user_id, site=name)


def _of_id(sites: list[KnownSite], site_id: UUID) -> KnownSite | None:
    return next((site for site in sites if site.id == site_id and site.enabled), None)


def _rules(site: KnownSite) -> Rules:
    parts = (Rule(prefix, Need.read(text)) for prefix, text in site.paths.items())
    return Rules(Need.read(site.need), tuple(parts))
