"""The list of users."""

from quart import Blueprint, request
from quart.typing import ResponseTypes

from app.flows import user_search
from app.flows.bulk import BULK_MOST
from app.http import streams
from app.http.context import context
from app.http.marks import may, sensitive
from app.kit.permissions import Permission
from app.web.admin.shared import argument
from app.web.admin.user_forms import SearchForm
from app.web.forms import show

pages = Blueprint("admin_users", __name__)

NOBODY = user_search.UserPage([], None)
NONE = user_search.Total(0, is_exact=True)


@pages.get("/admin/users")
@may(Permission.ADMIN)
@sensitive
async def show_users() -> ResponseTypes:
    """Show a page of the users who are searched for."""
    return await _show(SearchForm(request.args))


async def _show(form: SearchForm) -> ResponseTypes:
    found, total = NOBODY, NONE
    async with context() as ctx:
        form.offer(await user_search.role_names(ctx), ctx.site.profile)
        is_valid = form.validate()
        if is_valid:
            after, before = argument("after"), argument("before")
            found = await user_search.find(
                ctx, form.wanted, order=form.order, after=after, before=before
            )
            total = await user_search.count(ctx, form.wanted)
    return await show(
        "admin/users.html", form, status=200 if is_valid else 422, found=found, total=total,
        asked=form.asked, most=BULK_MOST,
    )  # fmt: skip


@pages.post("/admin/users/export")
@may(Permission.ADMIN)
@sensitive
async def export() -> ResponseTypes:
    """Send the users whom the filter shows as a file, all of them."""
    form = SearchForm(await request.form)
    async with context() as ctx:
        form.offer(await user_search.role_names(ctx), ctx.site.profile)
        is_valid = form.validate()
        if is_valid:
            await user_search.note_export(ctx, form.wanted)
    if not is_valid:
        return await _show(form)
    wanted, order = form.wanted, form.order
    return streams.file(
        lambda ctx: user_search.export(ctx, wanted, order=order), name="users.csv", kind="text/csv"
    )
