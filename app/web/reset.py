"""A forgotten password."""

from quart import Blueprint, flash, make_response, redirect, render_template, request
from quart.typing import ResponseTypes

from app.flows import recovery
from app.kit.errors import LinkUnusable, Refusal
from app.kit.links import RESET_VALID_MINUTES
from app.web import browsers, links
from app.web.context import context
from app.web.fields import LinkedPasswordForm, ResetRequestForm, given
from app.web.forms import show
from app.web.guards import anyone

pages = Blueprint("reset", __name__)

LINK = links.KeptLink("reset", "/reset/password", links.Again("Send me a new link", "/reset"))


@pages.get("/reset")
@anyone
async def reset() -> ResponseTypes:
    """Ask whose password is forgotten."""
    return await show("reset.html", ResetRequestForm())


@pages.post("/reset")
@anyone
async def ask() -> ResponseTypes:
    """Write to the person, and say the same whether or not there is one."""
    form = ResetRequestForm(await request.form)
    if not form.validate():
        return await show("reset.html", form, status=422)
    name = given(form.email_or_user)
    try:
        async with context() as ctx:
            await recovery.request_reset(ctx, name=name)
    except Refusal as refusal:
        return await show("reset.html", form, refusal=refusal)
    html = await render_template("reset_sent.html", name=name, valid_minutes=RESET_VALID_MINUTES)
    return await make_response(html)


@pages.get("/reset/<sealed>")
@anyone
async def open_link(sealed: str) -> ResponseTypes:
    """Take the link's key out of the address bar."""
    return LINK.keep(sealed)


@pages.get("/reset/password")
@anyone
async def choose() -> ResponseTypes:
    """Ask for the new password."""
    return await _show(LinkedPasswordForm())


@pages.post("/reset/password")
@anyone
async def chosen() -> ResponseTypes:
    """Store it; the person signs in with it next."""
    form = LinkedPasswordForm(await request.form)
    if another := LINK.refuse_another(form):
        return await _show(form, refusal=another)
    if not form.validate():
        return await _show(form, status=422)
    try:
        done = await _reset(given(form.password))
    except LinkUnusable:
        raise
    except Refusal as refusal:
        return await _show(form, refusal=refusal)
    await flash("Your new password is set. Please sign in with it.")
    return browsers.keep(LINK.forget(redirect("/login", 303)), done.browser)


async def _show(
    form: LinkedPasswordForm, *, status: int = 200, refusal: Refusal | None = None
) -> ResponseTypes:
    async with context() as ctx:
        owner = await recovery.find_reset(ctx, sealed=LINK.key())
    return await LINK.show(
        "reset_password.html", form, status=status, refusal=refusal, username=owner.username
    )


async def _reset(password: str) -> recovery.Reset:
    async with context() as ctx:
        return await recovery.reset_password(ctx, sealed=LINK.key(), password=password)
