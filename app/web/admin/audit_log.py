"""The audit log."""

from datetime import date
from typing import Any
from urllib.parse import urlencode

from quart import Blueprint, request, url_for
from quart.typing import ResponseTypes

from app.flows import audit_log
from app.flows.audit_log import ExportFormat
from app.http import streams
from app.http.context import context
from app.http.marks import may, sensitive
from app.kit.errors import NoSuchSubject
from app.kit.permissions import Permission
from app.web.admin.charts import Bar, Chart
from app.web.admin.forms import AuditLogForm, ExportForm, asked
from app.web.admin.shared import argument
from app.web.forms import show, submits
from app.words.audit_log import what

pages = Blueprint("admin_audit_log", __name__)

TYPES = {ExportFormat.CSV: "text/csv", ExportFormat.JSON_LINES: "application/x-ndjson"}
HEIGHT = 60
NOTHING = audit_log.AuditPage([], None)


@pages.get("/admin/audit-log")
@may(Permission.ADMIN)
@sensitive
async def show_audit_log() -> ResponseTypes:
    """Show a page of the audit log, newest first."""
    form = AuditLogForm(request.args)
    if not form.validate():
        return await _show(form, status=422)
    try:
        async with context() as ctx:
            found = await audit_log.read(ctx, form.wanted, before=argument("before"))
    except NoSuchSubject as refusal:
        return await _show(form, refusal=refusal)
    return await _show(form, found)


async def _show(
    form: AuditLogForm, found: audit_log.AuditPage = NOTHING, **how: Any
) -> ResponseTypes:
    narrowed = asked(form)
    bars = [
        Bar(f"{hour:02}:00", number, url=_to_hour(narrowed, found.day, hour))
        for hour, number in enumerate(found.hours)
    ]
    chart = Chart(bars, HEIGHT)
    return await show("admin/audit_log.html", form, found=found, asked=narrowed, chart=chart, **how)


def _to_hour(narrowed: dict[str, str], day: date | None, hour: int) -> str:
    where = {"since": day, "until": day, "hour": hour}
    return f"{url_for('admin_audit_log.show_audit_log')}?{urlencode(narrowed | where)}"


@pages.post("/admin/audit-log/export")
@may(Permission.ADMIN)
@sensitive
@submits(ExportForm, _show)
async def export(form: ExportForm) -> ResponseTypes:
    """Send the lines that the filter shows as a file, all of them."""
    wanted, kind = form.wanted, ExportFormat(form.format.data)
    async with context() as ctx:
        await audit_log.note_export(ctx, wanted, form=kind)
    return streams.file(
        lambda ctx: audit_log.export(ctx, wanted, form=kind, what=what),
        name=f"audit-log.{kind}",
        kind=TYPES[kind],
    )
