"""The audit log."""

from typing import Any

from quart import Blueprint, request
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
    bars = [Bar(f"{hour:02}:00", number) for hour, number in enumerate(found.hours)]
    chart = Chart(bars, HEIGHT)
    return await show(
        "admin/audit_log.html", form, found=found, asked=asked(form), chart=chart, **how
    )


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
