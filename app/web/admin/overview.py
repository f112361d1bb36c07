"""The administrator's first page."""

from quart import Blueprint, render_template

from app.flows import delivery, factor_keys, login, roles
from app.http.context import context
from app.http.marks import may, sensitive
from app.kit.permissions import Permission

pages = Blueprint("admin", __name__)


@pages.get("/admin")
@may(Permission.ADMIN)
@sensitive
async def overview() -> str:
    """Say what there is to look after."""
    async with context() as ctx:
        return await render_template(
            "admin/overview.html",
            waiting=await delivery.waiting(ctx),
            live=await login.live_sessions(ctx),
            roles=await roles.everything(ctx),
            with_factor=await factor_keys.count_people(ctx),
        )
