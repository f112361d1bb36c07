"""All that is known of a user, for them to take along."""

import json
from collections.abc import AsyncGenerator, Callable
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

from app.context import Context
from app.kit.audit import Event, Place, Written
from app.kit.errors import TooManyTries
from app.limits import DOWNLOADS_OF_USER
from app.models import (
    address,
    api_token,
    app_secret,
    gate_session,
    group,
    known_browser,
    passkey,
    profile,
    rate_limit,
    recovery_code,
    token,
    user_note,
    user_search,
)
from app.models import session as sessions
from app.steps import authorization, own_history
from app.steps.recording import record

LINES_AT_ONCE = 200  # some milliseconds' work, and then somebody else has their turn


class Line(Protocol):
    """A line in words."""

    def _asdict(self) -> dict[str, Any]: ...


Tell = Callable[[Written, UUID], Line]


async def note_download(ctx: Context) -> None:
    """Write down that a user takes all of it along.

    Raises:
        TooManyTries: they have done so some times in this hour; it is much work.
        SignedOut: the session has ended meanwhile.
    """
    async with ctx.db.begin():
        await authorization.hold(ctx)
        rates = {f"downloads:person:{ctx.user_id}": DOWNLOADS_OF_USER}
        wait = await rate_limit.take_all(ctx.db, rates)
        if not wait:
            await record(ctx, Event.DATA_DOWNLOADED, subject_id=ctx.user_id)
    if wait:
        raise TooManyTries(wait)


async def download(ctx: Context, *, tell: Tell) -> AsyncGenerator[str, None]:
    """Yield everything that is kept of a user as JSON, the history a piece at a time.

    Secrets are not in it: of them only digests are kept, which say nothing of them. No more than a
    piece is in memory, and no connection is held between them. ``tell`` puts a line of the history
    into words.

    Raises:
        SignedOut: the session has ended meanwhile.
    """
    async with ctx.db.begin():
        await authorization.ask_again(ctx)
        facts = await _facts(ctx)
    yield "{" + ",".join(f'\n  "{name}": {_json(fact, "  ")}' for name, fact in facts.items())
    yield ',\n  "history": ['
    before: Place | None = None
    between, size = "", LINES_AT_ONCE
    while size == LINES_AT_ONCE:
        async with ctx.db.begin():
            await authorization.ask_again(ctx)
            lines = await own_history.page(ctx, before=before, size=LINES_AT_ONCE)
        told = [tell(line, ctx.user_id)._asdict() for line in lines]
        if told:
            yield between + ",".join(f"\n    {_json(each, '    ')}" for each in told)
            between, before = ",", lines[-1].place
        size = len(lines)
    yield "\n  ]\n}\n"


async def _facts(ctx: Context) -> dict[str, Any]:
    """Return all but the history."""
    user_id, idle = ctx.user_id, timedelta(minutes=ctx.config.session_idle_minutes)
    user = await user_search.one(ctx.db, user_id)
    live = await sessions.live_of(ctx.db, user_id, idle=idle)
    return {
        "account": user and user._asdict(),
        "profile": await profile.of(ctx.db, user_id),
        "addresses_of_before": await address.of_user(ctx.db, user_id),
        "address_waiting": await token.waiting_email(ctx.db, user_id),
        "groups": await group.of_user(ctx.db, user_id),
        "applications": [each._asdict() for each in await gate_session.of_user(ctx.db, user_id)],
        "tokens": [each._asdict() for each in await api_token.of_user(ctx.db, user_id)],
        "sessions": [each._asdict() for each in live],
        "second_factors": await _factors(ctx),
        "notes": await _notes(ctx),
        "browsers": [each._asdict() for each in await known_browser.of_user(ctx.db, user_id)],
    }


async def _notes(ctx: Context) -> list[dict[str, Any]]:
    """Return what administrators wrote down about a user; who did stays with them."""
    found = await user_note.of(ctx.db, ctx.user_id, most=None)
    return [
        {"written_at": each.written_at, "author": "an administrator", "text": each.text}
        for each in found
    ]


async def _factors(ctx: Context) -> dict[str, Any]:
    """Return what is known of a user's factors, but for their secrets."""
    app = await app_secret.find(ctx.db, ctx.user_id)
    found = await passkey.of_user(ctx.db, ctx.user_id)
    return {
        "app": app and {"added_at": app.created_at, "used_at": app.used_at},
        "passkeys": [each._asdict() for each in found],
        "recovery_codes_left": await recovery_code.count(ctx.db, ctx.user_id),
    }


def _json(fact: object, margin: str) -> str:
    text = json.dumps(fact, default=str, indent=2, ensure_ascii=False)
    return text.replace("\n", f"\n{margin}")
