"""Forgetting a user for good."""

from datetime import UTC, datetime
from uuid import UUID

from app.context import Context
from app.kit.audit import Event
from app.models import audit, credentials, deleted_user, outbox_retention
from app.models import user as users
from app.steps.recording import Happening, run_hooks

LINES_AT_ONCE = 2000  # of the audit, in one statement
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


async def erase(ctx: Context, user_id: UUID, *, actor_id: UUID | None = None) -> None:
    """Delete a user with sessions, links, browsers and emails; the audit stays without them.

    What is left of them in the audit is a random id that leads nowhere. Where their history is
    long, housekeeping takes the rest of their addresses out of it.
    """
    user = await credentials.lock(ctx.db, user_id)
    if user is not None:
        await outbox_retention.forget(ctx.db, user.email)
    happening = Happening(Event.DELETED, user_id, actor_id)
    await run_hooks(ctx, happening)  # while the user can still be read
    await users.delete(ctx.db, user_id)
    await audit.forget_registration(ctx.db, user_id)
    await _forget_lines(ctx, user_id, BEGINNING)
    await audit.write(
        ctx.db, Event.DELETED, client=ctx.client, subject_id=user_id, actor_id=actor_id
    )


async def go_on(ctx: Context) -> bool:
    """Wipe the next lines of somebody who is erased; False if of nobody any are left."""
    left = await deleted_user.next_left(ctx.db)
    if left is not None:
        await _forget_lines(ctx, *left)
    return left is not None


async def _forget_lines(ctx: Context, user_id: UUID, since: datetime) -> None:
    reached = await audit.forget_some(ctx.db, user_id, since=since, most=LINES_AT_ONCE)
    if reached is None:
        await deleted_user.done(ctx.db, user_id)
    else:
        await deleted_user.note(ctx.db, user_id, reached)
