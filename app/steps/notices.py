"""Security letters: what happened to an account, and a way out for its owner ("this wasn't me").

They are caused by who has shown a password or a link, so no limit withholds them: an intruder could
use the limit up first, and then go unnoticed.
"""

from collections.abc import Callable

from app.context import Context
from app.kit.sealing import Purpose
from app.kit.user_agents import described
from app.mail import messages
from app.mail.message import Letter
from app.models import outbox
from app.models.user import Credentials
from app.steps import one_time_links


async def tell(
    ctx: Context,
    person: Credentials,
    writer: Callable[..., Letter],
    **facts: str,
) -> None:
    """Write to the address that ``person`` had before what ``writer`` tells of."""
    letter = writer(
        to=person.email,
        site=ctx.config.site_name,
        username=person.username,
        browser=described(ctx.client.user_agent),
        ip=ctx.client.ip,
        link=await not_me_link(ctx, person),
        **facts,
    )
    await outbox.put(ctx.db, letter)


async def not_me_link(ctx: Context, person: Credentials) -> str:
    """Return a link on which the owner of a person's address takes the account back."""
    return await one_time_links.link(ctx, Purpose.NOT_ME, user_id=person.id, email=person.email)


async def password_disabled(ctx: Context, person: Credentials) -> None:
    """Tell a person that strangers have tried too many passwords."""
    letter = messages.password_disabled(
        to=person.email,
        site=ctx.config.site_name,
        username=person.username,
        reset_url=f"{ctx.config.public_url}/reset",
    )
    await outbox.put(ctx.db, letter)
