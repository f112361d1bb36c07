"""Looking after one's account: name, sessions, history."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from app.config import Config
from app.context import Context
from app.db import autocommit
from app.kit.audit import Event, Place, Written
from app.kit.errors import NoSuchSession, NoSuchUser, TooManyTries, UsernameTaken
from app.kit.user_agents import described
from app.limits import limits
from app.mail import messages
from app.models import credentials, rate_limit, token, user_search
from app.models import session as sessions
from app.models import user as users
from app.models.user_search import Listed
from app.steps import authorization, notices
from app.steps import own_history as own_lines
from app.steps.recording import record

HISTORY_PAGE = 50


class Overview(NamedTuple):
    """What the account page says; ``waiting_email`` waits for its link."""

    user: Listed
    waiting_email: str | None
    sessions: int


class OwnSession(NamedTuple):
    """One browser in which the user is signed in."""

    id: UUID
    browser: str
    ip: str
    created_at: datetime
    seen_at: datetime
    remembered: bool
    is_this: bool


async def overview(ctx: Context) -> Overview:
    """Return what a user sees of themselves."""
    async with autocommit(ctx.db):
        user = await user_search.one(ctx.db, ctx.user_id)
        waiting = await token.waiting_email(ctx.db, ctx.user_id)
        open_ones = await sessions.live_of(ctx.db, ctx.user_id, idle=_idle(ctx.config))
    if user is None:
        raise NoSuchUser
    return Overview(user, waiting, len(open_ones))


async def change_username(ctx: Context, *, username: str) -> None:
    """Change one's username.

    Raises:
        UsernameTaken: usernames are public.
        TooManyTries: each change is an email.
        SignedOut: the session has ended meanwhile.
    """
    user_id = ctx.user_id
    rates = {f"usernames:person:{user_id}": limits(ctx.config).emails_of_address}
    async with ctx.db.begin():
        wait = await rate_limit.take_all(ctx.db, rates)
    if wait:
        raise TooManyTries(wait)
    async with ctx.db.begin():
        await authorization.hold(ctx)
        before = await credentials.lock(ctx.db, user_id)
        changed = before is not None and await users.set_username(ctx.db, user_id, username)
        if changed and before and before.username != username:
            await record(ctx, Event.USERNAME_CHANGED, subject_id=user_id)
            renamed = before._replace(username=username)
            await notices.tell(ctx, renamed, messages.username_changed)
    if not changed:
        raise UsernameTaken


async def change_time_zone(ctx: Context, *, time_zone: str | None) -> None:
    """Let pages tell one times in a zone; None is UTC.

    Raises:
        SignedOut: the session has ended meanwhile.
    """
    async with ctx.db.begin():
        await authorization.hold(ctx)
        await users.set_time_zone(ctx.db, ctx.user_id, time_zone)


async def own_sessions(ctx: Context) -> list[OwnSession]:
    """Return a user's sessions, the one they are asking from first, then the one seen last."""
    async with autocommit(ctx.db):
        found = await sessions.live_of(ctx.db, ctx.user_id, idle=_idle(ctx.config))
    own = [
        OwnSession(
            each.id,
            described(each.user_agent),
            each.ip,
            each.created_at,
            each.seen_at,
            each.remembered,
            each.id == ctx.session_id,
        )
        for each in found
    ]
    return sorted(own, key=lambda each: not each.is_this)


async def end_session(ctx: Context, *, session_id: UUID) -> None:
    """End one session of a user.

    Raises:
        NoSuchSession: they have none of this id; also if somebody else has (EN-07).
        SignedOut: the session in which it was asked for has ended meanwhile.
    """
    user_id = ctx.user_id
    async with ctx.db.begin():
        await authorization.hold(ctx)
        ended = await sessions.end_one(ctx.db, user_id, session_id)
        if ended:
            await record(ctx, Event.SESSION_ENDED, subject_id=user_id)
    if not ended:
        raise NoSuchSession


async def end_other_sessions(ctx: Context) -> int:
    """End all sessions of a user but the one that they are asking from; return how many.

    Raises:
        SignedOut: that one has ended meanwhile.
    """
    user_id = ctx.user_id
    async with ctx.db.begin():
        await authorization.hold(ctx)
        ended = await sessions.end_others(ctx.db, user_id, digest=ctx.session_digest)
        if ended:
            await record(ctx, Event.SESSIONS_ENDED, subject_id=user_id, number=ended)
    return ended


class History(NamedTuple):
    """Some lines, the newest first; ``next`` leads to those before, None if these are the last."""

    lines: Sequence[Written]
    next: str | None


async def own_history(ctx: Context, *, before: str = "") -> History:
    """Return a page of what a user did, and what happened to them."""
    async with autocommit(ctx.db):
        lines = await own_lines.page(ctx, before=Place.read(before), size=HISTORY_PAGE + 1)
    shown = lines[:HISTORY_PAGE]
    return History(shown, shown[-1].place.mark if len(lines) > HISTORY_PAGE else None)


def _idle(config: Config) -> timedelta:
    return timedelta(minutes=config.session_idle_minutes)
