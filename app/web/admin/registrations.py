"""People who registered and have not confirmed their address yet."""

from quart import Blueprint, flash, redirect
from quart.typing import ResponseTypes

from app.flows import registration
from app.http.context import context
from app.http.marks import may, sensitive
from app.kit.permissions import Permission
from app.web.admin.forms import PendingForm
from app.web.admin.shared import argument, uuid
from app.web.forms import show

pages = Blueprint("admin_registrations", __name__)


@pages.get("/admin/registrations")
@may(Permission.ADMIN)
@sensitive
async def show_registrations() -> ResponseTypes:
    """Show who has not confirmed yet."""
    email = argument("email").strip()
    async with context() as ctx:
        found = await registration.waiting(ctx, email=email)
    form = PendingForm(data={"email": email})
    return await show("admin/registrations.html", form, found=found, most=registration.MOST_WAITING)


@pages.post("/admin/registrations/<registration_id>/resend")
@may(Permission.ADMIN)
@sensitive
async def resend(registration_id: str) -> ResponseTypes:
    """Send the confirmation again."""
    async with context() as ctx:
        await registration.send_again(ctx, registration_id=uuid(registration_id))
    await flash("The email is on its way.")
    return redirect("/admin/registrations", 303)
