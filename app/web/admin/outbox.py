"""Emails on their way, and those that did not get through. What they say is not shown."""

from quart import Blueprint, flash, redirect, render_template
from quart.typing import ResponseTypes

from app.flows import delivery
from app.http.context import context
from app.http.marks import may, sensitive
from app.kit.permissions import Permission
from app.web.admin.shared import uuid

pages = Blueprint("admin_outbox", __name__)


@pages.get("/admin/outbox")
@may(Permission.ADMIN)
@sensitive
async def show_outbox() -> str:
    """Show how the emails get on."""
    async with context() as ctx:
        return await render_template("admin/outbox.html", state=await delivery.state(ctx))


@pages.post("/admin/outbox/<email_id>/retry")
@may(Permission.ADMIN)
@sensitive
async def retry(email_id: str) -> ResponseTypes:
    """Let an email wait again that was given up."""
    async with context() as ctx:
        await delivery.retry(ctx, email_id=uuid(email_id))
    await flash("We'll try to send that email again.")
    return redirect("/admin/outbox", 303)
