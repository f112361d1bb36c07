"""Accepting an invitation: choosing the first password."""

from quart import Blueprint, flash, redirect, request
from quart.typing import ResponseTypes

from app.flows import invitation
from app.kit.errors import LinkUnusable, Refusal
from app.web import links
from app.web.context import context
from app.web.fields import InvitationForm, given
from app.web.guards import anyone

pages = Blueprint("invitation", __name__)

TEMPLATE = "invitation.html"
LINK = links.KeptLink("invitation", "/invitation", links.Again("Send me a new link", "/reset"))


@pages.get("/invitation/<sealed>")
@anyone
async def open_link(sealed: str) -> ResponseTypes:
    """Take the link's key out of the address bar."""
    return LINK.keep(sealed)


@pages.get("/invitation")
@anyone
async def invitation_form() -> ResponseTypes:
    """Ask for a password."""
    return await _show(InvitationForm())


@pages.post("/invitation")
@anyone
async def accept() -> ResponseTypes:
    """Store the password; the person signs in with it next."""
    form = InvitationForm(await request.form)
    if another := LINK.refuse_another(form):
        return await _show(form, refusal=another)
    if not form.validate():
        return await _show(form, status=422)
    try:
        await _accept(given(form.password), accepts_terms=form.terms.data)
    except LinkUnusable:
        raise
    except Refusal as refusal:
        return await _show(form, refusal=refusal)
    await flash("Your password is set. You can sign in now.")
    return LINK.forget(redirect("/login", 303))


async def _show(
    form: InvitationForm, *, status: int = 200, refusal: Refusal | None = None
) -> ResponseTypes:
    async with context() as ctx:
        owner = await invitation.find_invitation(ctx, sealed=LINK.key())
    return await LINK.show(TEMPLATE, form, status=status, refusal=refusal, username=owner.username)


async def _accept(password: str, *, accepts_terms: bool) -> None:
    async with context() as ctx:
        await invitation.accept(
            ctx, sealed=LINK.key(), password=password, accepts_terms=accepts_terms
        )
