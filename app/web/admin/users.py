"""Searching users, and inviting them."""

from typing import Any

from quart import Blueprint, flash, redirect, request
from quart.typing import ResponseTypes

from app.flows import invitation, user_search
from app.http import resume
from app.http.context import context
from app.http.marks import may, sensitive
from app.kit.permissions import Permission
from app.web.admin.forms import InviteForm, SearchForm, asked
from app.web.admin.shared import argument
from app.web.fields import given
from app.web.forms import show, submits

pages = Blueprint("admin_users", __name__)


@pages.get("/admin/users")
@may(Permission.ADMIN)
@sensitive
async def show_users() -> ResponseTypes:
    """Show a page of the users who are searched for."""
    form = SearchForm(request.args)
    async with context() as ctx:
        form.offer(await user_search.role_names(ctx), ctx.site.profile)
        is_valid = form.validate()
        found = user_search.UserPage([], None)
        if is_valid:
            found = await user_search.find(ctx, form.wanted, after=argument("after"))
    status = 200 if is_valid else 422
    return await show("admin/users.html", form, status=status, found=found, asked=asked(form))


@pages.get("/admin/invite")
@may(Permission.ADMIN)
@sensitive
async def show_invite() -> ResponseTypes:
    """Ask whom to invite."""
    return await _show_invite(InviteForm(resume.typed()))


async def _show_invite(form: InviteForm, **how: Any) -> ResponseTypes:
    async with context() as ctx:
        form.offer(await user_search.role_names(ctx))
    return await show("admin/invite.html", form, **how)


@pages.post("/admin/invite")
@may(Permission.ADMIN)
@sensitive
@submits(InviteForm, _show_invite)
async def submit_invite(form: InviteForm) -> ResponseTypes:
    """Send invitation, and show whom it went to."""
    username, email, role = given(form.username), given(form.email), form.role.data
    async with context() as ctx:
        user_id = await invitation.invite_by_email(
            ctx, username=username, email=email, role_name=role
        )
    await flash("The invitation is on its way.")
    return redirect(f"/admin/users/{user_id}", 303)
