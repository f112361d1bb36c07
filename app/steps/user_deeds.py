"""What an operator does to a user, inside a transaction that holds both (``authorization``)."""

from datetime import timedelta

from app.context import Context
from app.kit.audit import Event
from app.kit.links import INVITE_VALID_HOURS
from app.kit.sealing import Purpose
from app.mail import messages
from app.models import credentials, factor, outbox, pending_login, token
from app.models import session as sessions
from app.models import user as users
from app.models.credentials import Credentials
from app.models.user import Identity
from app.steps import erasure, one_time_links, reset_links
from app.steps.recording import record


async def block(ctx: Context, user: Identity, *, reason: str | None) -> bool:
    """Block a user and end all their sessions; False if they were blocked for this already."""
    detail = {"reason": reason} if reason else {}
    is_news = await users.block(ctx.db, user.id, reason=reason)
    await token.void(ctx.db, user.id, Purpose.RESET, Purpose.CHANGE_EMAIL)
    await sessions.end_all(ctx.db, user.id)
    await pending_login.end_all(ctx.db, user.id)
    if is_news:
        await record(ctx, Event.BLOCKED, subject_id=user.id, **detail)
    return is_news


async def unblock(ctx: Context, user: Identity) -> bool:
    """Let a blocked person in again; False if they were not blocked."""
    is_news = await users.unblock(ctx.db, user.id)
    if is_news:
        await record(ctx, Event.UNBLOCKED, subject_id=user.id)
    return is_news


async def set_role(ctx: Context, user: Identity, *, role: str) -> bool:
    """Give a user a role by its exact name; False if it is theirs."""
    is_news = await users.set_role(ctx.db, user.id, role)
    if is_news:
        grace = timedelta(days=ctx.config.factor_grace_days)
        await factor.set_due(ctx.db, grace=grace, user_id=user.id)
        await record(ctx, Event.ROLE_SET, subject_id=user.id, role=role)
    return is_news


async def end_sessions(ctx: Context, user: Identity) -> int:
    """End all sessions of a user (SE-16); return how many there were."""
    ended = await sessions.end_all(ctx.db, user.id)
    if ended:
        await record(ctx, Event.SESSIONS_ENDED, subject_id=user.id, count=ended)
    return ended


async def delete(ctx: Context, user: Identity) -> None:
    """Erase a user at once and for good."""
    await erasure.erase(ctx, user.id, actor_id=ctx.actor_id)


async def send_reset(ctx: Context, user: Credentials) -> None:
    """Send a user who is not blocked the email on whose link they choose a password (PW-11)."""
    await reset_links.send(ctx, user, messages.reset_by_operator)
    await record(ctx, Event.RESET_SENT, subject_id=user.id)


async def resend(ctx: Context, user: Identity) -> bool:
    """Send who has not chosen a password their invitation again; False if they have, or may not."""
    known = await credentials.find_by_id(ctx.db, user.id)
    if known is None or known.password_hash is not None or known.blocked_at is not None:
        return False
    await invite(ctx, known)
    return True


async def invite(ctx: Context, user: Credentials) -> None:
    """Send somebody a link on which they choose their first password; older ones are void."""
    await token.void(ctx.db, user.id, Purpose.INVITE)
    message = messages.invitation(
        to=user.email,
        site=ctx.brand,
        username=user.username,
        link=await one_time_links.link(ctx, Purpose.INVITE, user_id=user.id),
        valid_hours=INVITE_VALID_HOURS,
    )
    await outbox.put(ctx.db, message)
    await record(ctx, Event.INVITED, subject_id=user.id)
