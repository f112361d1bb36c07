"""Making an account of a registration whose address has been confirmed."""

from app.context import Context
from app.kit.addresses import canonical
from app.models import audit, registration, role
from app.models import user as users
from app.models.audit import Event
from app.models.registration import Pending


async def activate(ctx: Context, pending: Pending, *, password_hash: str) -> bool:
    """Use a registration up; False if it is gone, or its address or username is somebody's.

    The address ``ADMIN_EMAIL`` becomes Administrator now, in small or capital letters: no mail
    server tells these apart, but any tells an address that looks like it.
    """
    if await registration.take(ctx.db, pending.id) is None:
        return False
    user_id = await users.add(
        ctx.db,
        email=pending.email,
        username=pending.username,
        password_hash=password_hash,
        role_id=await role.default_id(ctx.db),
        terms_accepted_at=pending.terms_accepted_at,
    )
    if user_id is None:
        return False
    await audit.write(
        ctx.db, Event.CONFIRMED, client=ctx.client, subject_id=user_id, registration=str(pending.id)
    )
    if ctx.config.admin_email and canonical(pending.email) == canonical(ctx.config.admin_email):
        await users.set_role(ctx.db, user_id, role.ADMINISTRATOR)
        await audit.write(
            ctx.db, Event.ROLE_SET, client=ctx.client, subject_id=user_id, role=role.ADMINISTRATOR
        )
    return True
