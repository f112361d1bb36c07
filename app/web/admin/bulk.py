"""Doing one thing to many users: a page that says to whom, and its button."""

from typing import Any, NamedTuple
from urllib.parse import urlencode

from quart import Blueprint, flash, redirect, request
from quart.typing import ResponseTypes
from werkzeug.datastructures import MultiDict

from app.context import Context
from app.flows import bulk, user_search
from app.flows.bulk import BULK_MOST, Chosen, Deed, Done
from app.http.context import context
from app.http.marks import accepts, may, sensitive
from app.kit.addresses import id_of
from app.kit.bulk_errors import NobodyChosen, NumberChanged, TooManyUsers
from app.kit.errors import Refusal
from app.kit.permissions import Permission
from app.web.admin.user_forms import BulkForm, EveryoneForm
from app.web.fields import given
from app.web.forms import show, submits
from app.words.refusals import sentence

pages = Blueprint("admin_bulk", __name__)

LIST = "/admin/users"
WORDS = {
    Deed.BLOCK: ("Block", "Blocked"),
    Deed.UNBLOCK: ("Unblock", "Unblocked"),
    Deed.ROLE: ("Change role", "Role changed"),
    Deed.RESEND: ("Resend invitation", "Invitation sent"),
    Deed.END_SESSIONS: ("End sessions", "Sessions ended"),
    Deed.DELETE: ("Delete", "Deleted"),
}


@pages.get("/admin/users/selected")
@may(Permission.ADMIN)
@sensitive
async def show_selected() -> ResponseTypes:
    """Say what is about to be done, and to whom."""
    return await _show(BulkForm(data={"deed": request.args.get("deed")}), request.args)


async def _ask_again(form: BulkForm, **how: Any) -> ResponseTypes:
    return await _show(form, await request.form, **how)


async def _show(
    form: BulkForm, sent: MultiDict[str, str], refusal: Refusal | None = None, **how: Any
) -> ResponseTypes:
    """Show whom it is about; who chose nobody, or too many, goes back to the list."""
    deed = _deed(form)
    async with context() as ctx:
        about = await _about(ctx, sent)
        form.offer(await user_search.role_names(ctx))
        try:
            users = await bulk.choose(ctx, deed, about.chosen)
        except (NobodyChosen, TooManyUsers) as empty:
            await flash(sentence(empty), "warning")
            return redirect(about.back, 303)
    if form.number.data is None or isinstance(refusal, NumberChanged):
        form.number.process_data(len(users))
        form.number.raw_data = None
    return await show(
        "admin/bulk.html", form, refusal=refusal, deed=deed, words=WORDS[deed][0], users=users,
        asked=about.asked, back=about.back, is_everyone=about.chosen.wanted is not None, **how,
    )  # fmt: skip


@pages.post("/admin/users/selected")
@may(Permission.ADMIN)
@sensitive
@accepts(repeated={"user"})
@submits(BulkForm, _ask_again)
async def carry_out(form: BulkForm) -> ResponseTypes:
    """Do it."""
    deed = _deed(form)
    async with context() as ctx:
        about = await _about(ctx, await request.form)
        done = await bulk.carry_out(
            ctx, deed, about.chosen, number=form.number.data or 0,
            reason=given(form.reason) or None, role_name=form.new_role.data,
        )  # fmt: skip
    await flash(_told(deed, done))
    return redirect(about.back, 303)


def _deed(form: BulkForm) -> Deed:
    try:
        return Deed(form.deed.data or "")
    except ValueError:
        return Deed.BLOCK


class About(NamedTuple):
    """Whom it is about, and the list that it began with: what that asked for, and its address."""

    chosen: Chosen
    asked: dict[str, str]
    back: str


async def _about(ctx: Context, sent: MultiDict[str, str]) -> About:
    """Read it from a query or a form; of a garbled list nobody is chosen."""
    form = EveryoneForm(sent)
    form.offer(await user_search.role_names(ctx), ctx.site.profile)
    if not form.validate():
        return About(Chosen(), {}, LIST)
    asked = {name: value for name, value in form.asked.items() if name != "everyone"}
    back = f"{LIST}?{urlencode(asked)}" if asked else LIST
    if form.everyone.data:
        return About(Chosen(wanted=form.wanted), asked, back)
    ids = [found for each in sent.getlist("user") if (found := id_of(each))]
    return About(Chosen(list(dict.fromkeys(ids))[: BULK_MOST + 1]), asked, back)


def _told(deed: Deed, done: Done) -> str:
    parts = [f"{WORDS[deed][1]}: {done.changed}."]
    if done.unchanged:
        parts.append(f"Nothing to change: {done.unchanged}.")
    if done.own:
        parts.append("Your own account was left out.")
    return " ".join(parts)
