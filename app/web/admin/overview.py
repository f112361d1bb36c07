"""The administrator's first page."""

from quart import Blueprint, render_template

from app.flows import delivery, login, roles
from app.house import house
from app.kit.marks import may, sensitive
from app.kit.permissions import Permission

pages = Blueprint("admin", __name__)


@pages.get("/admin")
@may(Permission.ADMIN)
@sensitive
async def overview() -> str:
    """Say what there is to look after."""
    async with house().session() as session:
        return await render_template(
            "admin/overview.html",
            waiting=await delivery.waiting(session),
            live=await login.live_sessions(session),
            roles=await roles.everything(session),
        )
