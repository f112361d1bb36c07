"""Tokens for scripts. They open sites, and tell who their user is; they make and change nothing."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from app.context import Context
from app.kit.api_tokens import new_token
from app.kit.audit import Event
from app.kit.errors import NoSuchUser
from app.kit.gate_errors import NoSuchToken, TooManyTokens, WrongToken
from app.mail import messages
from app.models import api_token, credentials, guarded_site
from app.models import user as users
from app.models.api_token import KnownToken
from app.models.guarded_site import SiteName
from app.steps import authorization, notices
from app.steps.recording import record

__all__ = ["KnownToken", "OwnTokens", "create", "own", "revoke", "revoke_all", "tokens_of"]

NAME_LONGEST, MOST_DAYS = 60, 365


class OwnTokens(NamedTuple):
    """A user's tokens, and the sites that there are."""

    tokens: Sequence[KnownToken]
    sites: Sequence[SiteName]

    def opens(self, token: KnownToken) -> str:
        """Say in words what a token is good for."""
        names = [site.name for site in self.sites if site.id in token.site_ids]
        return ", ".join([*(["your account"] if token.reads_account else []), *names]) or "nothing"


async def own(ctx: Context) -> OwnTokens:
    """Return a user's own tokens."""
    return await _listed(ctx, ctx.user_id)


async def tokens_of(ctx: Context, *, name: str) -> OwnTokens:
    """Return the tokens of somebody, for the operator.

    Raises:
        NoSuchUser: nobody has this name.
    """
    async with ctx.db.begin():
        meant = await users.identify(ctx.db, name)
    if meant is None:
        raise NoSuchUser
    return await _listed(ctx, meant.id)


async def create(
    ctx: Context,
    *,
    name: str,
    sites: Collection[UUID],
    reads_account: bool,
    days: int,
    user: str | None = None,
) -> str:
    """Make a token; return it. It is shown once. ``user``: whose, where the operator makes it.

    Raises:
        WrongToken: its name, its end or what it is for cannot be so.
        TooManyTokens: the user has as many as there may be.
        NoSuchUser: nobody has this name.
        SignedOut: the session has ended meanwhile.
    """
    shown = name.strip()
    if not 1 <= len(shown) <= NAME_LONGEST or not shown.isprintable():
        raise WrongToken("name", field="name")
    if not 1 <= days <= MOST_DAYS:
        raise WrongToken("days", field="days", most=MOST_DAYS)
    made, is_stored = new_token(), False
    async with ctx.db.begin():
        user_id = await _hold(ctx, user)
        known = {site.id for site in await guarded_site.names(ctx.db)}
        opened = [each for each in sites if each in known]
        is_useful = bool(opened) or reads_account
        if user_id is not None and is_useful:
            is_stored = await api_token.add(
                ctx.db,
                user_id,
                digest=made.digest,
                name=shown,
                site_ids=opened,
                reads_account=reads_account,
                lasts=timedelta(days=days),
            )
        if is_stored:
            await record(ctx, Event.TOKEN_CREATED, subject_id=user_id, token=shown)
            await _tell(ctx, shown)
    if user_id is None:
        raise NoSuchUser
    if not is_useful:
        raise WrongToken("nothing")
    if not is_stored:
        raise TooManyTokens
    return made.text


async def revoke(ctx: Context, *, token_id: UUID, user: str | None = None) -> None:
    """End a token of a user, from the next request on.

    Raises:
        NoSuchToken: they have none of this id; also if somebody else has (EN-07).
        SignedOut: the session has ended meanwhile.
    """
    async with ctx.db.begin():
        user_id = await _hold(ctx, user)
        name = user_id and await api_token.remove(ctx.db, user_id, token_id)
        if name:
            await record(ctx, Event.TOKEN_REVOKED, subject_id=user_id, token=name)
    if not name:
        raise NoSuchToken


async def revoke_all(ctx: Context, *, user: str) -> int:
    """End all tokens of somebody, for the operator; return how many there were.

    Raises:
        NoSuchUser: nobody has this name.
    """
    number = 0
    async with ctx.db.begin():
        user_id = await _hold(ctx, user)
        if user_id is not None:
            number = await api_token.remove_all(ctx.db, user_id)
        if number:
            await record(ctx, Event.TOKEN_REVOKED, subject_id=user_id, token="*")  # noqa: S106
    if user_id is None:
        raise NoSuchUser
    return number


async def _tell(ctx: Context, name: str) -> None:
    """Write to a user who made a token, for it may not have been them."""
    user = None if ctx.is_operator else await credentials.find_by_id(ctx.db, ctx.user_id)
    if user is not None:
        await notices.tell(ctx, user, messages.token_created, token=name)


async def _hold(ctx: Context, user: str | None) -> UUID | None:
    if user is None:
        await authorization.hold(ctx)
        return ctx.user_id
    meant = await authorization.act_upon(ctx, user)
    return meant and meant.id


async def _listed(ctx: Context, user_id: UUID) -> OwnTokens:
    async with ctx.db.begin():
        tokens = await api_token.of_user(ctx.db, user_id)
        return OwnTokens(tokens, await guarded_site.names(ctx.db))
