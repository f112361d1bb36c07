"""Looking people up: a page of them, how many they are, all of them as a file, or all about one."""

import csv
import io
from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from typing import NamedTuple

from app.context import Context
from app.kit.audit import Event, Written
from app.kit.errors import NoSuchUser
from app.models import audit_search, profile, role, user_list, user_note, user_search
from app.models import session as sessions
from app.models import user as users
from app.models.session import Open
from app.models.user_list import Order, Total
from app.models.user_note import Note
from app.models.user_search import Listed, UserFilter, UserState
from app.steps import authorization
from app.steps.recording import record
from app.transfer.rows import guarded

__all__ = [
    "Listed",
    "Note",
    "Order",
    "Profile",
    "Total",
    "UserFilter",
    "UserPage",
    "UserState",
    "count",
    "export",
    "find",
    "note_export",
    "role_names",
    "show",
]

PAGE_SIZE = 50
USERS_AT_ONCE = 500
LINES_OF_A_USER = 30
COLUMNS = (
    "username", "email", "role", "states", "second_factor", "created_at", "last_login_at", "id",
)  # fmt: skip


class UserPage(NamedTuple):
    """Some people. ``next`` and ``previous`` are marks of the pages beside it, None if none is.

    ``is_cut``: it ended early, because so many were looked at; those behind it are on the next.
    """

    users: list[Listed]
    next: str | None
    previous: str | None = None
    is_cut: bool = False


class Profile(NamedTuple):
    """All about a user that an administrator may see. Nothing of it is a secret."""

    user: Listed
    blocked_reason: str | None
    profile: dict[str, str]
    sessions: list[Open]
    history: list[Written]
    notes: list[Note]


async def find(
    ctx: Context,
    wanted: UserFilter,
    *,
    order: Order = Order.NAME,
    after: str = "",
    before: str = "",
    size: int = PAGE_SIZE,
) -> UserPage:
    """Return people in an order, behind or before a mark. An id, whole, finds its person too."""
    exact = _exact(ctx, wanted)
    if exact is None:
        return UserPage([], None)
    async with ctx.db.begin():
        if order is Order.NAME and not before and not wanted.asks_more:
            page = await _by_name(ctx, exact, after, size)
        else:
            place = before or after
            found = await user_list.page(
                ctx.db, exact, order, place=place, back=bool(before), size=size
            )
            page = _between(found, order, after=after, before=before)
        known = None if page.users else await users.identify(ctx.db, wanted.part)
        if known is not None and not (after or before) and wanted == UserFilter(wanted.part):
            user = await user_search.one(ctx.db, known.id)
            page = page._replace(users=[user] if user else [])
    return page


async def _by_name(ctx: Context, wanted: UserFilter, after: str, size: int) -> UserPage:
    found = await user_search.page(ctx.db, wanted, after=after, size=size + 1)
    shown = found[:size]
    following = shown[-1].username if len(found) > size else None
    return UserPage(shown, following, shown[0].username if after and shown else None)


def _between(found: user_list.UsersInOrder, order: Order, *, after: str, before: str) -> UserPage:
    shown = found.users
    if before:
        ahead = order.mark(shown[-1]) if shown else None
        return UserPage(shown, ahead, found.next, found.is_cut)
    return UserPage(
        shown, found.next, order.mark(shown[0]) if after and shown else None, found.is_cut
    )


async def count(ctx: Context, wanted: UserFilter) -> Total:
    """Return how many people match, as far as that is cheap to say."""
    exact = _exact(ctx, wanted)
    if exact is None:
        return Total(0, is_exact=True)
    async with ctx.db.begin():
        return await user_list.count(ctx.db, exact)


async def note_export(ctx: Context, wanted: UserFilter) -> None:
    """Write down that a list of users is taken along."""
    async with ctx.db.begin():
        await authorization.hold(ctx)
        detail = ", ".join(f"{name}={value}" for name, value in wanted._asdict().items() if value)
        await record(ctx, Event.USERS_EXPORTED, filter=detail)


async def export(
    ctx: Context, wanted: UserFilter, *, order: Order = Order.NAME
) -> AsyncGenerator[str, None]:
    """Yield those who match as CSV, some hundred at a time; none of it is a secret.

    Before each time it is asked whether the actor may still read it.

    Raises:
        SignedOut, NotPermitted: the actor may read no further.
    """
    yield _csv([COLUMNS])
    after: str | None = ""
    while after is not None:
        async with ctx.db.begin():
            await authorization.ask_again(ctx)
        page = await find(ctx, wanted, order=order, after=after, size=USERS_AT_ONCE)
        yield _csv([_cells(user, ctx.config.called(user)) for user in page.users])
        after = page.next


def _cells(user: Listed, name: str) -> tuple[str, ...]:
    found = (
        name, user.email, user.role, " ".join(user.states), user.factor_words,
        _moment(user.created_at), _moment(user.last_login_at), str(user.id),
    )  # fmt: skip
    return tuple(guarded(cell) for cell in found)


def _moment(at: datetime | None) -> str:
    return at.isoformat() if at else ""


def _csv(rows: list[tuple[str, ...]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


async def show(ctx: Context, *, name: str) -> Profile:
    """Return all about a user of an address, a username or an id.

    Raises:
        NoSuchUser: nobody has this name.
    """
    idle = timedelta(minutes=ctx.config.session_idle_minutes)
    has_usernames = ctx.config.has_usernames
    async with ctx.db.begin():
        known = await users.identify(ctx.db, name)
        user = await user_search.one(ctx.db, known.id) if known else None
        if user is not None:
            reason = await users.blocked_reason(ctx.db, user.id)
            told = await profile.of(ctx.db, user.id) if ctx.site.profile else {}
            live = await sessions.live_of(ctx.db, user.id, idle=idle)
            lines = await audit_search.page(
                ctx.db,
                audit_search.EventFilter(user=user.id),
                before=None,
                size=LINES_OF_A_USER,
                has_usernames=has_usernames,
            )
            notes = await user_note.of(ctx.db, user.id, has_usernames=has_usernames)
    if user is None:
        raise NoSuchUser
    return Profile(user, reason, told, live, lines, notes)


async def role_names(ctx: Context) -> list[str]:
    """Return the names of all roles."""
    async with ctx.db.begin():
        return await role.names(ctx.db)


def _exact(ctx: Context, wanted: UserFilter) -> UserFilter | None:
    """Return a filter with a field's value as it is found; None if there is no such field."""
    if wanted.field is None:
        return wanted
    fields = {each.name: each for each in ctx.site.profile if each.searchable}
    if wanted.field not in fields:
        return None
    return wanted._replace(part=fields[wanted.field].search_key(wanted.part))
