"""Looking for people, and letting somebody in."""

from quart import Blueprint, flash, redirect, request
from quart.typing import ResponseTypes

from app.flows import invitation
from app.flows import people as flow
from app.kit.errors import AlreadyThere, Refusal
from app.kit.marks import may, sensitive
from app.kit.permissions import Permission
from app.web import sudo
from app.web.admin.forms import FindForm, InviteForm, asked
from app.web.admin.shared import argument
from app.web.context import context
from app.web.fields import given
from app.web.forms import show

pages = Blueprint("admin_people", __name__)

TAKEN = "Somebody here has that address or user name already."


@pages.get("/admin/people")
@may(Permission.ADMIN)
@sensitive
async def find() -> ResponseTypes:
    """Show a page of the people who are looked for."""
    form = FindForm(request.args)
    async with context() as ctx:
        form.offer(await flow.role_names(ctx))
        is_sound = form.validate()
        found = flow.Page([], None)
        if is_sound:
            found = await flow.find(ctx, form.wanted, after=argument("after"))
    status = 200 if is_sound else 422
    return await show("admin/people.html", form, status=status, found=found, asked=asked(form))


@pages.get("/admin/invite")
@may(Permission.ADMIN)
@sensitive
async def invite() -> ResponseTypes:
    """Ask whom to let in."""
    return await show("admin/invite.html", await _with_roles(InviteForm(sudo.typed())))


@pages.post("/admin/invite")
@may(Permission.ADMIN)
@sensitive
async def invited() -> ResponseTypes:
    """Send the invitation, and show whom it went to."""
    form = await _with_roles(InviteForm(await request.form))
    if not form.validate():
        return await show("admin/invite.html", form, status=422)
    try:
        async with context() as ctx:
            invited_id = await invitation.invite_by_letter(
                ctx,
                username=given(form.username),
                email=given(form.email),
                role_name=form.role.data,
            )
    except AlreadyThere:
        return await show("admin/invite.html", form, refusal=AlreadyThere(TAKEN))
    except Refusal as refusal:
        return await show("admin/invite.html", form, refusal=refusal)
    await flash("The invitation is on its way.")
    return redirect(f"/admin/people/{invited_id}", 303)


async def _with_roles(form: InviteForm) -> InviteForm:
    async with context() as ctx:
        form.offer(await flow.role_names(ctx))
    return form
