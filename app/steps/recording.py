"""What somebody does stands in the audit log, in the same transaction as the deed."""

from uuid import UUID

from app.context import Context
from app.kit.audit import Event
from app.models import audit


async def record(
    ctx: Context, event: Event, *, subject_id: UUID | None = None, **detail: str | int
) -> None:
    """Write down what the actor of this context did; ``detail`` as ``audit.write`` takes it."""
    await audit.write(
        ctx.db, event, client=ctx.client, actor_id=ctx.actor_id, subject_id=subject_id, **detail
    )
