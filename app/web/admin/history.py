"""The book of all that happened."""

from quart import Blueprint, request
from quart.typing import ResponseTypes
from werkzeug.exceptions import BadRequest

from app.flows import logbook
from app.flows.logbook import Format
from app.kit.errors import NoSuchPerson, Refusal
from app.kit.marks import may, sensitive
from app.kit.permissions import Permission
from app.web import streams
from app.web.admin.forms import HistoryForm, asked
from app.web.admin.shared import argument
from app.web.context import context
from app.web.forms import show

pages = Blueprint("admin_history", __name__)

TYPES = {Format.CSV: "text/csv", Format.JSON_LINES: "application/x-ndjson"}
NOBODY = "Nobody here has that name, address or id. An erased person is found by the id alone."


@pages.get("/admin/history")
@may(Permission.ADMIN)
@sensitive
async def read() -> ResponseTypes:
    """Show a page of the book, newest first."""
    form = HistoryForm(request.args)
    if not form.validate():
        return await _show(form, status=422)
    try:
        async with context() as ctx:
            found = await logbook.read(ctx, form.wanted, before=argument("before"))
    except NoSuchPerson:
        return await _show(form, refusal=NoSuchPerson(NOBODY, field="person"))
    return await _show(form, found)


@pages.post("/admin/history/export")
@may(Permission.ADMIN)
@sensitive
async def export() -> ResponseTypes:
    """Send the lines that the filter shows as a file, all of them."""
    fields = await request.form
    form = HistoryForm(fields)
    if fields.get("format") not in {str(each) for each in Format}:
        raise BadRequest("The file's format is csv or jsonl.")
    if not form.validate():
        return await _show(form, status=422)
    wanted, kind = form.wanted, Format(fields["format"])
    try:
        async with context() as ctx:
            await logbook.note_export(ctx, wanted, form=kind)
    except NoSuchPerson:
        return await _show(form, refusal=NoSuchPerson(NOBODY, field="person"))
    return streams.file(
        lambda ctx: logbook.export(ctx, wanted, form=kind),
        name=f"history.{kind}",
        kind=TYPES[kind],
    )


async def _show(
    form: HistoryForm,
    found: logbook.Page | None = None,
    *,
    status: int = 200,
    refusal: Refusal | None = None,
) -> ResponseTypes:
    facts = {"found": found or logbook.Page([], None), "asked": asked(form)}
    return await show("admin/history.html", form, status=status, refusal=refusal, **facts)
