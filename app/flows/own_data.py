"""All that is known of a person, for him to take along."""

import json
from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.config import Config
from app.kit.actor import Actor
from app.kit.client import Client
from app.kit.errors import TooManyTries
from app.limits import DOWNLOADS_OF_PERSON
from app.models import address, audit, device, directory, throttle, token
from app.models import session as sessions
from app.models.audit import Event, Place
from app.steps import acting, history

LINES_AT_ONCE = 200  # some milliseconds' work, and then somebody else has his turn


async def note_download(session: AsyncSession, *, actor: Actor, client: Client) -> None:
    """Write down that a person takes all of it along.

    Raises:
        TooManyTries: he has done so some times in this hour; it is much work.
        SignedOut: the session has ended meanwhile.
    """
    async with session.begin():
        await acting.hold(session, actor)
        rates = {f"downloads:person:{actor.user_id}": DOWNLOADS_OF_PERSON}
        wait = await throttle.take_all(session, rates)
        if not wait:
            await audit.write(
                session,
                Event.DATA_TAKEN,
                client=client,
                actor_id=actor.user_id,
                subject_id=actor.user_id,
            )
    if wait:
        raise TooManyTries(wait)


async def download(
    session: AsyncSession, *, config: Config, actor: Actor
) -> AsyncGenerator[str, None]:
    """Yield everything that is kept of a person as JSON, the history a piece at a time.

    Secrets are not in it: of them only digests are kept, which say nothing of him. No more than a
    piece is in memory, and no connection is held between them.

    Raises:
        SignedOut: the session has ended meanwhile.
    """
    async with session.begin():
        await acting.ask_again(session, actor)
        facts = await _facts(session, config, actor)
    yield "{" + ",".join(f'\n  "{name}": {_json(fact, "  ")}' for name, fact in facts.items())
    yield ',\n  "history": ['
    before: Place | None = None
    between, size = "", LINES_AT_ONCE
    while size == LINES_AT_ONCE:
        async with session.begin():
            await acting.ask_again(session, actor)
            lines = await audit.page(
                session, audit.Filter(person=actor.user_id), before=before, size=LINES_AT_ONCE
            )
        told = [history.tell_owner(line, actor.user_id)._asdict() for line in lines]
        if told:
            yield between + ",".join(f"\n    {_json(each, '    ')}" for each in told)
            between, before = ",", lines[-1].place
        size = len(lines)
    yield "\n  ]\n}\n"


async def _facts(session: AsyncSession, config: Config, actor: Actor) -> dict[str, Any]:
    """Return all but the history."""
    user_id, idle = actor.user_id, timedelta(minutes=config.session_idle_minutes)
    person = await directory.one(session, user_id)
    live = await sessions.live_of(session, user_id, idle=idle)
    return {
        "account": person and person._asdict(),
        "addresses_of_before": await address.of_person(session, user_id),
        "address_waiting": await token.waiting_email(session, user_id),
        "sessions": [each._asdict() for each in live],
        "browsers": [each._asdict() for each in await device.of_person(session, user_id)],
    }


def _json(fact: object, margin: str) -> str:
    text = json.dumps(fact, default=str, indent=2, ensure_ascii=False)
    return text.replace("\n", f"\n{margin}")
