"""Looking people up: a page of them, or all about one."""

from datetime import timedelta
from typing import NamedTuple

from app.context import Context
from app.kit.audit import Written
from app.kit.errors import NoSuchUser
from app.models import audit_search, profile, role, user_search
from app.models import session as sessions
from app.models import user as users
from app.models.session import Open
from app.models.user_search import Listed, UserFilter, UserState

__all__ = ["Listed", "Profile", "UserFilter", "UserPage", "UserState", "find", "role_names", "show"]

PAGE_SIZE = 50
LINES_OF_A_USER = 30


class UserPage(NamedTuple):
    """Some people; ``next`` is what the page behind it comes after, None if this is the last."""

    users: list[Listed]
    next: str | None


class Profile(NamedTuple):
    """All about a user that an administrator may see. Nothing of it is a secret."""

    user: Listed
    blocked_reason: str | None
    profile: dict[str, str]
    sessions: list[Open]
    history: list[Written]


async def find(
    ctx: Context, wanted: UserFilter, *, after: str = "", size: int = PAGE_SIZE
) -> UserPage:
    """Return people by username. An id, whole, finds its person too."""
    fields = {each.name: each for each in ctx.site.profile if each.searchable}
    if wanted.field is not None:
        if wanted.field not in fields:
            return UserPage([], None)
        wanted = wanted._replace(part=fields[wanted.field].search_key(wanted.part))
    async with ctx.db.begin():
        found = await user_search.page(ctx.db, wanted, after=after, size=size + 1)
        known = None if found else await users.identify(ctx.db, wanted.part)
        if known is not None and not after and wanted == UserFilter(wanted.part):
            user = await user_search.one(ctx.db, known.id)
            found = [user] if user else []
    return UserPage(found[:size], found[size - 1].username if len(found) > size else None)


async def show(ctx: Context, *, name: str) -> Profile:
    """Return all about a user of an address, a username or an id.

    Raises:
        NoSuchUser: nobody has this name.
    """
    idle = timedelta(minutes=ctx.config.session_idle_minutes)
    async with ctx.db.begin():
        known = await users.identify(ctx.db, name)
        user = await user_search.one(ctx.db, known.id) if known else None
        if user is not None:
            reason = await users.blocked_reason(ctx.db, user.id)
            told = await profile.of(ctx.db, user.id) if ctx.site.profile else {}
            live = await sessions.live_of(ctx.db, user.id, idle=idle)
            lines = await audit_search.page(
                ctx.db, audit_search.EventFilter(user=user.id), before=None, size=LINES_OF_A_USER
            )
    if user is None:
        raise NoSuchUser
    return Profile(user, reason, told, live, lines)


async def role_names(ctx: Context) -> list[str]:
    """Return the names of all roles."""
    async with ctx.db.begin():
        return await role.names(ctx.db)
