"""What is set, from where, and what the doctor says; a test email."""

from quart import Blueprint, flash, redirect, render_template
from quart.typing import ResponseTypes

from app.config import told
from app.flows import delivery
from app.http.context import context
from app.http.marks import may, sensitive
from app.kit.permissions import Permission
from app.services import findings, services

pages = Blueprint("admin_settings", __name__)


@pages.get("/admin/settings")
@may(Permission.ADMIN)
@sensitive
async def show_settings() -> str:
    """Show the settings, without their secrets; they are changed in the environment."""
    return await render_template(
        "admin/settings.html", groups=told(services().config), findings=await findings()
    )


@pages.post("/admin/settings/test-email")
@may(Permission.ADMIN)
@sensitive
async def send_test() -> ResponseTypes:
    """Send the administrator an email."""
    async with context() as ctx:
        to = await delivery.send_test(ctx)
    await flash(f"A test email to {to} is on its way. If it doesn't arrive, look at Emails.")
    return redirect("/admin/settings", 303)
