"""The wait of who lost their second factor: emails at the start, half way and the end."""

from datetime import datetime, timedelta

from app.context import Context
from app.kit import time_zones
from app.kit.audit import Event
from app.kit.sealing import Purpose
from app.mail import factor_messages
from app.models import credentials, factor_reset, outbox
from app.models.credentials import Credentials
from app.steps import factor_change, notices, one_time_links
from app.steps.recording import note


async def begin(ctx: Context, user: Credentials) -> datetime | None:
    """Begin a user's wait; return when it ends, also of one that had begun before."""
    wait = timedelta(days=ctx.config.factor_reset_days)
    due_at = await factor_reset.ask(ctx.db, user.id, version=user.credential_version, wait=wait)
    if due_at is None:
        return await factor_reset.due_at(ctx.db, user.id)
    await note(ctx, Event.FACTOR_RESET_BEGUN, subject_id=user.id)
    await _tell_ahead(ctx, user, due_at)
    return due_at


async def go_on(ctx: Context) -> bool:
    """Write the next email that is due, or remove the next factors; False if there is none.

    A password that was changed since the wait began, or a user who may not sign in, ends it.
    """
    due = await factor_reset.next_due(ctx.db)
    user = due and await credentials.lock(ctx.db, due.user_id)
    if not due or not user:
        return False
    if not due.is_over:
        await factor_reset.note_reminder(ctx.db, user.id)
        await _tell_ahead(ctx, user, due.due_at)
        return True
    if await factor_reset.take(ctx.db, user.id):
        await factor_change.remove_all(ctx, user.id)
        await note(ctx, Event.FACTORS_RESET, subject_id=user.id)
        await tell_removed(ctx, user)
    return True


async def tell_removed(ctx: Context, user: Credentials) -> None:
    """Tell a user that their factors are gone, and how to get them back."""
    message = factor_messages.factors_removed(
        to=user.email,
        site=ctx.brand,
        username=user.username,
        link=await notices.not_me_link(ctx, user),
    )
    await outbox.put(ctx.db, message)


async def _tell_ahead(ctx: Context, user: Credentials, due_at: datetime) -> None:
    link = await one_time_links.link(ctx, Purpose.KEEP_FACTORS, user_id=user.id, email=user.email)
    message = factor_messages.factors_to_be_removed(
        to=user.email,
        site=ctx.brand,
        username=user.username,
        link=link,
        day=time_zones.day(due_at, time_zones.zone(user.time_zone)),
        valid_days=max(1, round(ctx.config.factor_reset_days)),
    )
    await outbox.put(ctx.db, message)
