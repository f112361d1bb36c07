"""The administrator's first page."""

from quart import Blueprint, render_template, url_for

from app.flows import figures
from app.http.context import context
from app.http.marks import may, sensitive
from app.kit.permissions import Permission
from app.web.admin.charts import Bar, Chart

pages = Blueprint("admin", __name__)

HEIGHT = 120


@pages.get("/admin")
@may(Permission.ADMIN)
@sensitive
async def overview() -> str:
    """Say how things stand, and lead to the lists behind the numbers."""
    async with context() as ctx:
        found = await figures.look(ctx)
    bars = [_bar(each) for each in found.days]
    return await render_template("admin/overview.html", figures=found, chart=Chart(bars, HEIGHT))


def _bar(each: figures.Day) -> Bar:
    day = each.day.isoformat()
    log = url_for("admin_audit_log.show_audit_log", since=day, until=day)
    return Bar(day, each.signed_in, each.failed, log)
