"""The book of all that happened."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from quart import Blueprint, Response, request
from quart.typing import ResponseTypes
from werkzeug.exceptions import BadRequest

from app.flows import logbook
from app.flows.logbook import Filter, Format
from app.house import House, house
from app.kit.errors import NoSuchPerson, Refusal
from app.kit.marks import may, sensitive
from app.kit.permissions import Permission
from app.web.admin.forms import HistoryForm, asked
from app.web.admin.shared import actor_id, argument
from app.web.clients import client
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
        async with house().session() as session:
            found = await logbook.read(session, form.wanted, before=argument("before"))
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
        async with house().session() as session:
            await logbook.note_export(
                session, wanted, form=kind, client=client(), actor_id=actor_id()
            )
    except NoSuchPerson:
        return await _show(form, refusal=NoSuchPerson(NOBODY, field="person"))
    response = Response(_lines(house(), wanted, kind), content_type=f"{TYPES[kind]}; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="history.{kind}"'
    response.timeout = None  # as long as it takes; nothing is held meanwhile
    return response


async def _lines(opened: House, wanted: Filter, kind: Format) -> AsyncGenerator[str, None]:
    """Yield the file; after the page has returned there is no request to ask any more."""
    async with (
        opened.sessions() as session,
        aclosing(logbook.export(session, wanted, form=kind)) as lines,
    ):
        async for some in lines:
            yield some


async def _show(
    form: HistoryForm,
    found: logbook.Page | None = None,
    *,
    status: int = 200,
    refusal: Refusal | None = None,
) -> ResponseTypes:
    facts = {"found": found or logbook.Page([], None), "asked": asked(form)}
    return await show("admin/history.html", form, status=status, refusal=refusal, **facts)
