"""One deed to many users: those who were ticked, or those whom a filter finds.

In slices, a transaction each, by the same steps as for one user: the audit log has a line for
each, the last administrator stays, and nobody does it to themselves. A deed that ends in the middle
leaves done what is done; repeated, it does the rest.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from app.context import Context
from app.kit.bulk_errors import NobodyChosen, NumberChanged, TooManyUsers
from app.kit.errors import NoSuchRole
from app.models import role, user_list, user_search
from app.models.user import Identity
from app.models.user_search import Listed, UserFilter
from app.steps import authorization, user_deeds
from app.steps.administrators import keeping_one

__all__ = ["BULK_MOST", "Chosen", "Deed", "Done", "Listed", "carry_out", "choose"]

BULK_MOST = 300
DELETED_MOST = 100  # each takes all that they did along
AT_ONCE = 25


class Deed(StrEnum):
    """What can be done to many."""

    BLOCK = "block"
    UNBLOCK = "unblock"
    ROLE = "role"
    RESEND = "resend"
    END_SESSIONS = "end-sessions"
    DELETE = "delete"


class Chosen(NamedTuple):
    """Whom it is about: ids, or a filter if there are none."""

    ids: Sequence[UUID] = ()
    wanted: UserFilter | None = None


class Done(NamedTuple):
    """How many were changed, were so already, and were left out: the actor themselves."""

    changed: int
    unchanged: int
    own: int


async def choose(ctx: Context, deed: Deed, chosen: Chosen) -> list[Listed]:
    """Return the users whom a deed would be about, by name.

    Raises:
        NobodyChosen: there are none.
        TooManyUsers: more than can be done in the time of one request.
    """
    most = DELETED_MOST if deed is Deed.DELETE else BULK_MOST
    async with ctx.db.begin():
        if chosen.wanted is None:
            ids: Sequence[UUID] | None = chosen.ids[: most + 1]
        else:
            ids = await _all_of(ctx, chosen.wanted, most)
        found = [] if ids is None else await user_search.listed(ctx.db, ids[: most + 1])
    if ids is None or len(ids) > most:
        raise TooManyUsers(most=most)
    if not found:
        raise NobodyChosen
    return sorted(found, key=lambda user: user.username.lower())


async def _all_of(ctx: Context, wanted: UserFilter, most: int) -> list[UUID] | None:
    if wanted == UserFilter():
        page = await user_list.page(
            ctx.db, wanted, user_list.Order.OLDEST, place="", back=False, size=most
        )
        return None if page.next else [user.id for user in page.users]
    return await user_list.few(ctx.db, wanted, most=most)


async def carry_out(
    ctx: Context,
    deed: Deed,
    chosen: Chosen,
    *,
    number: int,
    reason: str | None = None,
    role_name: str | None = None,
) -> Done:
    """Do something to all who were chosen; ``number`` is how many were confirmed.

    Raises:
        NobodyChosen, TooManyUsers: as ``choose`` does.
        NumberChanged: they are not as many any more; nothing was done.
        NoSuchRole: there is no such role.
        LastAdministrator: nobody else could look after people; the slice is not done.
    """
    found = await choose(ctx, deed, chosen)
    if len(found) != number:
        raise NumberChanged(number=len(found))
    exact = await _role(ctx, role_name) if deed is Deed.ROLE else ""
    others = [user for user in found if user.id != ctx.actor_id]
    own = len(found) - len(others) if deed is not Deed.RESEND else 0
    changed = 0
    for first in range(0, len(others), AT_ONCE):
        some = others[first : first + AT_ONCE]
        async with ctx.db.begin(), keeping_one(ctx):
            there = set(await authorization.hold(ctx, *(user.id for user in some)))
            for user in some:
                if user.id in there:
                    who = Identity(user.id, user.username, user.email)
                    changed += await _do(ctx, deed, who, reason=reason, role=exact)
    return Done(changed, len(others) - changed, own)


async def _do(ctx: Context, deed: Deed, user: Identity, *, reason: str | None, role: str) -> bool:
    if deed is Deed.BLOCK:
        return await user_deeds.block(ctx, user, reason=reason)
    if deed is Deed.UNBLOCK:
        return await user_deeds.unblock(ctx, user)
    if deed is Deed.ROLE:
        return await user_deeds.set_role(ctx, user, role=role)
    if deed is Deed.RESEND:
        return await user_deeds.resend(ctx, user)
    if deed is Deed.END_SESSIONS:
        return bool(await user_deeds.end_sessions(ctx, user))
    await user_deeds.delete(ctx, user)
    return True


async def _role(ctx: Context, name: str | None) -> str:
    async with ctx.db.begin():
        names = {known.lower(): known for known in await role.names(ctx.db)}
    if (name or "").lower() not in names:
        raise NoSuchRole("choose", role=name or "", names=list(names.values()))
    return names[(name or "").lower()]
