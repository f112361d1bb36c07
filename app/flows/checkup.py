"""A checkup: what an operator should know of the database's contents."""

from datetime import timedelta
from typing import NamedTuple

from app.context import Context
from app.kit.encryption import heads
from app.kit.permissions import Permission
from app.models import (
    administrators,
    app_secret,
    deleted_user,
    deletion,
    outbox,
    pruning,
    rate_limit,
    registration,
    role,
)
from app.models import session as sessions
from app.models.outbox import Backlog, GivenUp

OVERDUE_AFTER = timedelta(hours=1)
MOST_GIVEN_UP = 1000


class DatabaseState(NamedTuple):
    """How things stand.

    ``overdue``: tables with rows that housekeeping should have deleted an hour ago.
    ``not_deleted``: how many people it should have erased, or their histories wiped, an hour ago.
    ``trouble``: why the email that waits longest was not taken so far. ``given_up``: the emails
    that were given up in the last day, the newest first, at most ``MOST_GIVEN_UP``.
    ``can_administer``: an administrator has a password, and may sign in.
    ``unreadable_apps``: secrets of authenticator apps that no key of ours opens.
    """

    waiting: Backlog
    trouble: str
    given_up: list[GivenUp]
    overdue: list[str]
    has_administrator: bool
    can_administer: bool
    default_role: str | None
    not_deleted: int = 0
    unreadable_apps: int = 0
    apps_under_older_keys: int = 0


async def look(ctx: Context) -> DatabaseState:
    """Return how things stand, by a few small questions."""
    keys = ctx.config.signing_keys
    async with ctx.db.begin():
        kinds = (sessions.expired(), registration.expired(), rate_limit.forgotten())
        return DatabaseState(
            waiting=await outbox.waiting(ctx.db),
            trouble=await outbox.trouble(ctx.db),
            given_up=await outbox.given_up(ctx.db, most=MOST_GIVEN_UP, within=timedelta(days=1)),
            overdue=[
                stale.table
                for stale in kinds
                if await pruning.is_overdue(ctx.db, stale, by=OVERDUE_AFTER)
            ],
            has_administrator=await administrators.is_permission_held(ctx.db, Permission.ADMIN),
            can_administer=await administrators.is_there(ctx.db),
            default_role=await role.default_name(ctx.db),
            not_deleted=await deletion.count_late(ctx.db, by=OVERDUE_AFTER)
            + await deleted_user.count_late(ctx.db, by=OVERDUE_AFTER),
            unreadable_apps=await app_secret.count_not_under(ctx.db, heads(keys)),
            apps_under_older_keys=await app_secret.count_not_under(ctx.db, heads(keys[-1:])),
        )
