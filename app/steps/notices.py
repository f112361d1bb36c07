"""Security emails: what happened to an account, and a way out for its owner ("this wasn't me").

They are caused by who has shown a password or a link, so no limit withholds them: an intruder could
use the limit up first, and then go unnoticed.
"""

from collections.abc import Callable
from datetime import UTC, datetime

from app.context import Context
from app.kit import time_zones
from app.kit.sealing import Purpose
from app.kit.user_agents import described
from app.mail import messages
from app.mail.message import Message
from app.models import outbox
from app.models.credentials import Credentials
from app.steps import one_time_links


async def tell(
    ctx: Context,
    user: Credentials,
    writer: Callable[..., Message],
    **facts: str,
) -> None:
    """Write to the address that ``user`` had before what ``writer`` tells of."""
    message = writer(
        to=user.email,
        site=ctx.brand,
        username=user.username,
        browser=described(ctx.client.user_agent),
        ip=ctx.client.ip,
        when=time_zones.exact(datetime.now(UTC), time_zones.zone(user.time_zone)),
        link=await not_me_link(ctx, user),
        **facts,
    )
    await outbox.put(ctx.db, message)


async def tell_of_administrator(
    ctx: Context, user: Credentials, writer: Callable[..., Message], **facts: str
) -> None:
    """Write to the present address what an administrator did; not where they sit."""
    link = await not_me_link(ctx, user)
    message = writer(to=user.email, site=ctx.brand, username=user.username, link=link, **facts)
    await outbox.put(ctx.db, message)


async def not_me_link(ctx: Context, user: Credentials) -> str:
    """Return a link on which the owner of a user's address takes the account back."""
    return await one_time_links.link(ctx, Purpose.NOT_ME, user_id=user.id, email=user.email)


async def password_disabled(ctx: Context, user: Credentials) -> None:
    """Tell a user that strangers have tried too many passwords."""
    message = messages.password_disabled(
        to=user.email,
        site=ctx.brand,
        username=user.username,
        reset_url=f"{ctx.config.public_url}/reset",
    )
    await outbox.put(ctx.db, message)
