"""The book of all that happened: reading it, and taking it along."""

import csv
import io
import json
import re
from collections.abc import AsyncGenerator, Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from typing import NamedTuple

from app.context import Context
from app.kit import addresses
from app.kit.audit import NO_ADDRESS, Event, Place, Written
from app.kit.errors import NoSuchSubject
from app.models import audit_search
from app.models import user as users
from app.steps import authorization
from app.steps.recording import record

__all__ = [
    "EVENTS",
    "AuditLogFilter",
    "AuditPage",
    "ExportFormat",
    "export",
    "note_export",
    "read",
]

PAGE_SIZE = 50
LINES_AT_ONCE = 500
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EVENTS = tuple(str(event) for event in Event)
# A formula begins a cell; some spreadsheets begin a cell behind each semicolon or tab.
FORMULA = re.compile(r"(^|[;\t\r\n])(?=\s*[=+\-@])|^(?=[\t\r])")
COLUMNS = (
    "at", "event", "what", "actor", "actor_id", "subject", "subject_id", "ip", "user_agent",
    "request_id", "detail",
)  # fmt: skip


class ExportFormat(StrEnum):
    """How the book is taken along."""

    CSV = "csv"
    JSON_LINES = "jsonl"


class AuditLogFilter(NamedTuple):
    """Which lines. ``user`` is an address, a username or an id, also of who is erased.

    ``since`` and ``until`` are moments; ``until`` itself is left out. ``hour``: only that one of
    the day that begins at ``since``.
    """

    events: tuple[str, ...] = ()
    user: str = ""
    network: IPv4Network | IPv6Network | None = None
    since: datetime | None = None
    until: datetime | None = None
    hour: int | None = None

    @property
    def span(self) -> tuple[datetime | None, datetime | None]:
        """From when until when the lines are."""
        if self.hour is None or self.since is None:
            return self.since, self.until
        begins = self.since + timedelta(hours=self.hour)
        return begins, begins + timedelta(hours=1)


class AuditPage(NamedTuple):
    """Some lines, newest first; ``next`` leads to those before, None if these are the last.

    ``hours``: how many there are in each hour of ``day``, the day of the first.
    """

    lines: Sequence[Written]
    next: str | None
    day: date | None = None
    hours: Sequence[int] = ()


async def read(ctx: Context, wanted: AuditLogFilter, *, before: str = "") -> AuditPage:
    """Return a page of the book. A garbled ``before`` begins at the newest line.

    Raises:
        NoSuchSubject: nobody has this name.
    """
    exact = await _exact(ctx, wanted)
    async with ctx.db.begin():
        lines = await audit_search.page(
            ctx.db,
            exact,
            before=Place.read(before),
            size=PAGE_SIZE + 1,
            has_usernames=ctx.config.has_usernames,
        )
        day = lines[0].at.astimezone(UTC).date() if lines else None
        whole = exact._replace(since=wanted.since, until=wanted.until)
        hours = await audit_search.hours_of(ctx.db, whole, day) if day else []
    shown = lines[:PAGE_SIZE]
    following = shown[-1].place.mark if len(lines) > PAGE_SIZE else None
    return AuditPage(shown, following, day, hours)


async def export(
    ctx: Context, wanted: AuditLogFilter, *, form: ExportFormat, what: Callable[[Written], str]
) -> AsyncGenerator[str, None]:
    """Yield the book, newest line first, some hundred lines at a time. ``what`` has the words.

    No more is in memory, and no connection is held between them. Before each time it is asked
    whether the actor may still read it.

    Raises:
        NoSuchSubject: nobody has this name.
        SignedOut, NotPermitted: the actor may read no further.
    """
    exact = await _exact(ctx, wanted)
    if form is ExportFormat.CSV:
        yield _csv([list(COLUMNS)])
    before: Place | None = None
    while True:
        async with ctx.db.begin():
            await authorization.ask_again(ctx)
            lines = await audit_search.page(
                ctx.db,
                exact,
                before=before,
                size=LINES_AT_ONCE,
                has_usernames=ctx.config.has_usernames,
            )
        rows = [_columns(line, what(line)) for line in lines]
        if rows and form is ExportFormat.CSV:
            yield _csv([[_inert(str(row[name] or "")) for name in COLUMNS] for row in rows])
        elif rows:
            yield "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        if len(lines) < LINES_AT_ONCE:
            return
        before = lines[-1].place


async def note_export(ctx: Context, wanted: AuditLogFilter, *, form: ExportFormat) -> None:
    """Write down that the book is taken along.

    Raises:
        NoSuchSubject: the filter names somebody who is not there.
    """
    await _exact(ctx, wanted)
    async with ctx.db.begin():
        await authorization.hold(ctx)
        await record(ctx, Event.AUDIT_LOG_EXPORTED, format=form)


async def _exact(ctx: Context, wanted: AuditLogFilter) -> audit_search.EventFilter:
    user = None
    if wanted.user:
        user = addresses.id_of(wanted.user)
        if user is None:
            async with ctx.db.begin():
                known = await users.identify(ctx.db, wanted.user)
            if known is None:
                raise NoSuchSubject
            user = known.id
    return audit_search.EventFilter(wanted.events, user, wanted.network, *wanted.span)


def _columns(line: Written, what: str) -> dict[str, object]:
    return {
        "at": line.at.isoformat(),
        "event": line.event,
        "what": what,
        "actor": line.actor,
        "actor_id": line.actor_id and str(line.actor_id),
        "subject": line.subject,
        "subject_id": line.subject_id and str(line.subject_id),
        "ip": None if line.ip == NO_ADDRESS else line.ip,
        "user_agent": line.user_agent,
        "request_id": line.request_id,
        "detail": json.dumps(line.detail, ensure_ascii=False) if line.detail else "",
    }


def _inert(cell: str) -> str:
    """Keep a spreadsheet from taking a cell for a formula (OWASP, CSV injection)."""
    return FORMULA.sub(lambda begin: f"{begin.group()}'", cell)


def _csv(rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
