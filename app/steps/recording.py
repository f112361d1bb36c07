"""What happens stands in the audit log, in the same transaction, and a site's hooks hear of it."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from app.context import Context
from app.kit.audit import Event
from app.kit.errors import Refusal
from app.models import audit

log = logging.getLogger(__name__)

FAILED = "the hook %s failed at %s: nothing was done (%s)"


@dataclass(frozen=True)
class Happening:
    """What a hook hears of.

    Attributes:
        user_id: whom it befell. A registration is nobody's account yet: None.
        actor_id: who did it, if somebody was signed in.
        detail: as in the audit log, like ``{"role": "Editor"}``.
    """

    event: Event
    user_id: UUID | None
    actor_id: UUID | None = None
    detail: Mapping[str, str | int] = field(default_factory=dict)


async def record(
    ctx: Context, event: Event, *, subject_id: UUID | None = None, **detail: str | int
) -> None:
    """Write down what the actor of this context did; ``detail`` as ``audit.write`` takes it."""
    await note(ctx, event, subject_id=subject_id, actor_id=ctx.actor_id, **detail)


async def note(
    ctx: Context,
    event: Event,
    *,
    subject_id: UUID | None = None,
    actor_id: UUID | None = None,
    **detail: str | int,
) -> None:
    """Write down what happened, by nobody who is signed in unless ``actor_id`` says who."""
    await audit.write(
        ctx.db, event, client=ctx.client, actor_id=actor_id, subject_id=subject_id, **detail
    )
    await run_hooks(ctx, Happening(event, subject_id, actor_id, detail))


async def run_hooks(ctx: Context, happening: Happening) -> None:
    """Run what the site wants to do then. If it fails, the transaction is undone, and so the deed.

    Raises:
        Refusal: a hook says no, in words for the user.
        Exception: a hook is broken; the log says which.
    """
    for hook in ctx.site.hooks.get(happening.event, ()):
        name = f"{hook.__module__}.{hook.__name__}"
        try:
            await hook(ctx, happening)
            await ctx.db.flush()  # what the database does not take is this hook's mistake
        except Refusal:
            log.info("the hook %s refused %s", name, happening.event)
            raise
        except Exception as error:
            why = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
            log.error(FAILED, name, happening.event, why)  # noqa: TRY400 - the page logs the rest
            raise
