"""Inviting somebody, or many."""

import re
from typing import Any

from quart import Blueprint, flash, redirect
from quart.typing import ResponseTypes

from app.flows import invitation, user_search
from app.flows.invitation import InvitationOutcome, Wanted
from app.http import resume
from app.http.context import context
from app.http.marks import may, sensitive
from app.kit.addresses import meant, normal_email, username_for
from app.kit.errors import WrongAddress
from app.kit.permissions import Permission
from app.services import services
from app.web.admin.user_forms import InviteForm, InviteManyForm
from app.web.fields import given
from app.web.forms import show, submits

pages = Blueprint("admin_invite", __name__)

MOST_INVITED = 200
_NAMED = re.compile(r".*<(?P<address>[^<>]+)>")


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
    """Send an invitation, and show whom it went to."""
    username = given(form.username) if services().config.has_usernames else ""
    email, role = given(form.email), form.role.data
    async with context() as ctx:
        user_id = await invitation.invite_by_email(
            ctx, username=username, email=email, role_name=role
        )
    await flash("The invitation is on its way.")
    return redirect(f"/admin/users/{user_id}", 303)


@pages.get("/admin/invite/many")
@may(Permission.ADMIN)
@sensitive
async def show_many() -> ResponseTypes:
    """Ask for addresses."""
    return await _show_many(InviteManyForm(resume.typed()))


async def _show_many(
    form: InviteManyForm, outcomes: list[InvitationOutcome] | None = None, **how: Any
) -> ResponseTypes:
    async with context() as ctx:
        form.offer(await user_search.role_names(ctx))
    return await show("admin/invite_many.html", form, outcomes=outcomes or [], **how)


@pages.post("/admin/invite/many")
@may(Permission.ADMIN)
@sensitive
@submits(InviteManyForm, _show_many)
async def submit_many(form: InviteManyForm) -> ResponseTypes:
    """Send invitations, and say what became of each; or say which lines are no addresses."""
    wanted, wrong = _read(given(form.addresses))
    if wrong or len(wanted) > MOST_INVITED:
        form.addresses.errors = [_complaint(wrong)]
        return await _show_many(form, status=422)
    async with context() as ctx:
        outcomes = await invitation.invite_many(ctx, wanted, role_name=form.role.data)
    return await _show_many(InviteManyForm(), outcomes=outcomes)


def _read(text: str) -> tuple[list[Wanted], list[str]]:
    """Return whom to invite, each once, and what is no address."""
    found: dict[str, Wanted] = {}
    wrong = []
    for piece in filter(None, map(meant, re.split(r"[\n\r,;]", text))):
        named = _NAMED.fullmatch(piece)
        try:
            email = normal_email(
                named["address"] if named else piece,
                special=services().config.allowed_special_domains,
            )
        except WrongAddress:
            wrong.append(piece)
        else:
            found[email.lower()] = Wanted(email, username_for(email))
    return list(found.values()), wrong


def _complaint(wrong: list[str]) -> str:
    if not wrong:
        return f"At most {MOST_INVITED} addresses at once."
    shown = ", ".join(f"“{each[:60]}”" for each in wrong[:5])
    return f"Not an email address: {shown}{' and more' if wrong[5:] else ''}."
