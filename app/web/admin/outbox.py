"""Letters on their way, and those that did not get through. What they say is not shown."""

from quart import Blueprint, flash, redirect, render_template
from quart.typing import ResponseTypes

from app.flows import delivery
from app.kit.marks import may, sensitive
from app.kit.permissions import Permission
from app.web.admin.shared import uuid
from app.web.context import context

pages = Blueprint("admin_outbox", __name__)


@pages.get("/admin/outbox")
@may(Permission.ADMIN)
@sensitive
async def state() -> str:
    """Show how the letters get on."""
    async with context() as ctx:
        return await render_template("admin/outbox.html", state=await delivery.state(ctx))


@pages.post("/admin/outbox/<letter>/retry")
@may(Permission.ADMIN)
@sensitive
async def retry(letter: str) -> ResponseTypes:
    """Let a letter wait again that was given up."""
    async with context() as ctx:
        await delivery.retry(ctx, letter_id=uuid(letter))
    await flash("The letter is tried again.")
    return redirect("/admin/outbox", 303)
