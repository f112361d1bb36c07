"""Links in letters that need no more than a press of a button."""

from quart import Blueprint, flash, make_response, redirect, render_template, request
from quart.typing import ResponseTypes
from quart_auth import current_user, logout_user

from app.flows import disowning, email_change, leaving, login
from app.kit.errors import Refusal
from app.web import current, links
from app.web.context import context
from app.web.fields import LinkedForm, TicketForm, given
from app.web.guards import anyone

pages = Blueprint("letterlinks", __name__)

CHANGE = links.KeptLink(
    "change-email", "/change-email", links.Again("Send me a new link", "/account/email")
)
NOT_ME = links.KeptLink("not-me", "/not-me", links.Again("Choose a new password", "/reset"))
KEEP = links.KeptLink("keep", "/keep-account", links.Again("Sign in to keep it", "/login"))


@pages.get("/change-email/<sealed>")
@anyone
async def open_change(sealed: str) -> ResponseTypes:
    """Take the link's key out of the address bar."""
    return CHANGE.keep(sealed)


@pages.get("/change-email")
@anyone
async def change() -> ResponseTypes:
    """Show a button that confirms a new address."""
    return await _show_change(LinkedForm())


@pages.post("/change-email")
@anyone
async def changed() -> ResponseTypes:
    """Change the address."""
    form = LinkedForm(await request.form)
    if another := CHANGE.refuse_another(form):
        return await _show_change(form, another)
    async with context() as ctx:
        renewed = await email_change.confirm_change(ctx, sealed=CHANGE.key())
    if renewed is not None:
        current.renew(renewed)
    await flash("Your new address is confirmed. It is the one that you sign in with now.")
    return CHANGE.forget(redirect("/account" if renewed else "/login", 303))


@pages.get("/not-me/<sealed>")
@anyone
async def open_notice(sealed: str) -> ResponseTypes:
    """Take the link's key out of the address bar."""
    return NOT_ME.keep(sealed)


@pages.get("/not-me")
@anyone
async def not_me() -> ResponseTypes:
    """Say what the button does."""
    return await _show_notice(LinkedForm())


@pages.post("/not-me")
@anyone
async def disowned() -> ResponseTypes:
    """Take the account back for its owner."""
    form = LinkedForm(await request.form)
    if another := NOT_ME.refuse_another(form):
        return await _show_notice(form, another)
    async with context() as ctx:
        done = await disowning.disown(ctx, sealed=NOT_ME.key())
        if current_user.auth_id is not None:  # perhaps another person's
            await login.sign_out(ctx)
            logout_user()
    html = await render_template("disowned.html", done=done)
    return NOT_ME.forget(await make_response(html))


@pages.get("/keep-account/<sealed>")
@anyone
async def open_keep(sealed: str) -> ResponseTypes:
    """Take the link's key out of the address bar."""
    return KEEP.keep(sealed)


@pages.get("/keep-account")
@anyone
async def keep() -> ResponseTypes:
    """Show a button that keeps an account."""
    return await _show_keep(LinkedForm())


@pages.post("/keep-account")
@anyone
async def kept() -> ResponseTypes:
    """Keep the account, by the link or by a password that was just shown."""
    ticket = given(TicketForm(await request.form).ticket)
    if ticket:
        async with context() as ctx:
            await leaving.keep_by_password(ctx, ticket=ticket)
        await flash("Good that you stay. Please sign in.")
        return redirect("/login", 303)
    form = LinkedForm(await request.form)
    if another := KEEP.refuse_another(form):
        return await _show_keep(form, another)
    async with context() as ctx:
        await leaving.keep_by_link(ctx, sealed=KEEP.key())
    await flash("Good that you stay. Please sign in.")
    return KEEP.forget(redirect("/login", 303))


async def _show_change(form: LinkedForm, refusal: Refusal | None = None) -> ResponseTypes:
    async with context() as ctx:
        opened = await email_change.open_change(ctx, sealed=CHANGE.key())
    return await CHANGE.show("change_email.html", form, refusal=refusal, opened=opened)


async def _show_notice(form: LinkedForm, refusal: Refusal | None = None) -> ResponseTypes:
    async with context() as ctx:
        opened = await disowning.open_notice(ctx, sealed=NOT_ME.key())
    return await NOT_ME.show("not_me.html", form, refusal=refusal, opened=opened)


async def _show_keep(form: LinkedForm, refusal: Refusal | None = None) -> ResponseTypes:
    async with context() as ctx:
        username = await leaving.find_keeper(ctx, sealed=KEEP.key())
    return await KEEP.show("keep_account.html", form, refusal=refusal, username=username)
