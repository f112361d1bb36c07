"""Looking after one's account: name, sessions, history."""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app import letters
from app.config import Config
from app.db import one_by_one
from app.kit.actor import Actor
from app.kit.browsers import described
from app.kit.client import Client
from app.kit.errors import NoSuchPerson, NoSuchSession, TooManyTries, UsernameTaken
from app.kit.tokens import digest
from app.limits import limits
from app.models import audit, directory, throttle, token, user
from app.models import session as sessions
from app.models.audit import Event, Place
from app.models.directory import Listed
from app.steps import acting, history, notices
from app.steps.history import ToldToOwner

HISTORY_PAGE = 50


class Overview(NamedTuple):
    """What the account page says; ``waiting_email`` waits for its link."""

    person: Listed
    waiting_email: str | None
    sessions: int


class OwnSession(NamedTuple):
    """One browser in which the person is signed in."""

    id: UUID
    browser: str
    ip: str
    created_at: datetime
    seen_at: datetime
    remembered: bool
    is_this: bool


async def overview(session: AsyncSession, *, config: Config, user_id: UUID) -> Overview:
    """Return what a person sees of himself."""
    async with one_by_one(session):
        person = await directory.one(session, user_id)
        waiting = await token.waiting_email(session, user_id)
        open_ones = await sessions.live_of(session, user_id, idle=_idle(config))
    if person is None:
        raise NoSuchPerson
    return Overview(person, waiting, len(open_ones))


async def change_username(
    session: AsyncSession, *, config: Config, actor: Actor, username: str, client: Client
) -> None:
    """Change one's user name.

    Raises:
        UsernameTaken: user names are public.
        TooManyTries: each change is a letter.
        SignedOut: the session has ended meanwhile.
    """
    user_id = actor.user_id
    rates = {f"usernames:person:{user_id}": limits(config).letters_of_account}
    async with session.begin():
        wait = await throttle.take_all(session, rates)
    if wait:
        raise TooManyTries(wait)
    async with session.begin():
        await acting.hold(session, actor)
        before = await user.lock(session, user_id)
        changed = before is not None and await user.set_username(session, user_id, username)
        if changed and before and before.username != username:
            await audit.write(
                session,
                Event.USERNAME_CHANGED,
                client=client,
                actor_id=user_id,
                subject_id=user_id,
            )
            renamed = before._replace(username=username)
            await notices.tell(session, config, renamed, letters.username_changed, client)
    if not changed:
        raise UsernameTaken


async def own_sessions(
    session: AsyncSession, *, config: Config, user_id: UUID, session_id: UUID
) -> list[OwnSession]:
    """Return a person's sessions, the one he is asking from first, then the one seen last."""
    async with one_by_one(session):
        found = await sessions.live_of(session, user_id, idle=_idle(config))
    own = [
        OwnSession(
            each.id,
            described(each.user_agent),
            each.ip,
            each.created_at,
            each.seen_at,
            each.remembered,
            each.id == session_id,
        )
        for each in found
    ]
    return sorted(own, key=lambda each: not each.is_this)


async def end_session(
    session: AsyncSession, *, actor: Actor, session_id: UUID, client: Client
) -> None:
    """End one session of a person.

    Raises:
        NoSuchSession: he has none of this id; also if somebody else has (EN-07).
        SignedOut: the session in which it was asked for has ended meanwhile.
    """
    user_id = actor.user_id
    async with session.begin():
        await acting.hold(session, actor)
        ended = await sessions.end_one(session, user_id, session_id)
        if ended:
            await audit.write(
                session,
                Event.SESSION_ENDED,
                client=client,
                actor_id=user_id,
                subject_id=user_id,
            )
    if not ended:
        raise NoSuchSession


async def end_other_sessions(
    session: AsyncSession, *, actor: Actor, secret: str, client: Client
) -> int:
    """End all sessions of a person but the one that he is asking from; return how many.

    Raises:
        SignedOut: that one has ended meanwhile.
    """
    user_id = actor.user_id
    async with session.begin():
        await acting.hold(session, actor)
        ended = await sessions.end_others(session, user_id, digest=digest(secret))
        if ended:
            await audit.write(
                session,
                Event.SESSIONS_ENDED,
                client=client,
                actor_id=user_id,
                subject_id=user_id,
                number=ended,
            )
    return ended


class History(NamedTuple):
    """Some lines, the newest first; ``next`` leads to those before, None if these are the last."""

    lines: list[ToldToOwner]
    next: str | None


async def own_history(session: AsyncSession, *, user_id: UUID, before: str = "") -> History:
    """Return a page of what a person did, and what happened to him."""
    own = audit.Filter(person=user_id)
    async with one_by_one(session):
        lines = await audit.page(session, own, before=Place.read(before), size=HISTORY_PAGE + 1)
    shown = [history.tell_owner(line, user_id) for line in lines[:HISTORY_PAGE]]
    return History(shown, lines[HISTORY_PAGE - 1].place.mark if len(lines) > HISTORY_PAGE else None)


def _idle(config: Config) -> timedelta:
    return timedelta(minutes=config.session_idle_minutes)
