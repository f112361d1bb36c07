"""Making an account of a registration whose address has been confirmed."""

import logging

from app.context import Context
from app.kit.addresses import canonical
from app.kit.audit import Event
from app.models import registration, role
from app.models import user as users
from app.models.registration import Pending
from app.steps import profile
from app.steps.recording import note

log = logging.getLogger(__name__)

NEARLY = (
    "Someone confirmed an address that differs from ADMIN_EMAIL in capital letters only. They're "
    "no administrator. To make them one: python -m app users set-role NAME Administrator"
)


async def activate(ctx: Context, pending: Pending, *, password_hash: str) -> bool:
    """Use a registration up; False if it is gone, or its address or username is somebody's.

    The address ``ADMIN_EMAIL`` becomes Administrator now, and none that only looks like it: what
    stands before the @ counts exactly, for whose mailbox that is the mail server decides.
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
    await profile.save(ctx, user_id, pending.profile)
    await note(ctx, Event.CONFIRMED, subject_id=user_id, registration=str(pending.id))
    admin_email = ctx.config.admin_email
    if pending.email == admin_email:
        await users.set_role(ctx.db, user_id, role.ADMINISTRATOR)
        await note(ctx, Event.ROLE_SET, subject_id=user_id, role=role.ADMINISTRATOR)
    elif admin_email and canonical(pending.email) == canonical(admin_email):
        log.warning(NEARLY)
    return True
