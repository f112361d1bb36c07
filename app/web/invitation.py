"""Accepting an invitation: choosing the first password."""

from typing import Any

from quart import Blueprint, flash, redirect
from quart.typing import ResponseTypes

from app.flows import invitation
from app.http.access import anyone
from app.http.context import context
from app.http.kept_links import Again, KeptLink
from app.web.fields import BaseForm, InvitationForm, given
from app.web.forms import show, submits
from app.web.names import called
from app.web.profile_fields import values_of, with_profile

pages = Blueprint("invitation", __name__)

LINK = KeptLink("invitation", "/invitation", Again("Send me a new link", "/reset"))
FORM = with_profile(InvitationForm, "invitation")


@pages.get("/invitation/<sealed>")
@anyone
async def open_link(sealed: str) -> ResponseTypes:
    """Take the link's key out of the address bar."""
    return LINK.keep(sealed)


@pages.get("/invitation")
@anyone
async def show_invitation() -> ResponseTypes:
    """Ask for a password."""
    return await _show(FORM())


async def _show(form: BaseForm, **how: Any) -> ResponseTypes:
    async with context() as ctx:
        owner = await invitation.find_invitation(ctx, sealed=LINK.key())
    return await show("invitation.html", form, link=LINK, username=called(owner), **how)


@pages.post("/invitation")
@anyone
@submits(FORM, _show, link=LINK)
async def submit_invitation(form: InvitationForm) -> ResponseTypes:
    """Store the password; the user signs in with it next."""
    async with context() as ctx:
        await invitation.accept(
            ctx,
            sealed=LINK.key(),
            password=given(form.password),
            accepts_terms=form.terms.data,
            profile=values_of(form),
        )
    await flash("Your password is set. You can sign in now.")
    return LINK.forget(redirect("/login", 303))
