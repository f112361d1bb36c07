"""Links in letters that need no more than a press of a button."""

from quart import Blueprint, flash, make_response, redirect, render_template, request
from quart.typing import ResponseTypes
from quart_auth import current_user, logout_user

from app.flows import disowning, email_change, leaving, login
from app.house import house
from app.kit.errors import Refusal
from app.web import current, links
from app.web.clients import client
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
    async with house().session() as session:
        renewed = await email_change.confirm_change(
            session,
            config=house().config,
            sealed=CHANGE.key(),
            secret=current_user.auth_id,
            client=client(),
        )
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
    async with house().session() as session:
        done = await disowning.disown(
            session, config=house().config, sealed=NOT_ME.key(), client=client()
        )
        if current_user.auth_id is not None:  # perhaps another person's
            await login.sign_out(session, secret=current_user.auth_id, client=client())
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
        async with house().session() as session:
            await leaving.keep_by_password(
                session, config=house().config, ticket=ticket, client=client()
            )
        await flash("Good that you stay. Please sign in.")
        return redirect("/login", 303)
    form = LinkedForm(await request.form)
    if another := KEEP.refuse_another(form):
        return await _show_keep(form, another)
    async with house().session() as session:
        await leaving.keep_by_link(
            session, config=house().config, sealed=KEEP.key(), client=client()
        )
    await flash("Good that you stay. Please sign in.")
    return KEEP.forget(redirect("/login", 303))


async def _show_change(form: LinkedForm, refusal: Refusal | None = None) -> ResponseTypes:
    async with house().session() as session:
        opened = await email_change.open_change(session, config=house().config, sealed=CHANGE.key())
    return await CHANGE.show("change_email.html", form, refusal=refusal, opened=opened)


async def _show_notice(form: LinkedForm, refusal: Refusal | None = None) -> ResponseTypes:
    async with house().session() as session:
        opened = await disowning.open_notice(session, config=house().config, sealed=NOT_ME.key())
    return await NOT_ME.show("not_me.html", form, refusal=refusal, opened=opened)


async def _show_keep(form: LinkedForm, refusal: Refusal | None = None) -> ResponseTypes:
    async with house().session() as session:
        username = await leaving.find_keeper(session, config=house().config, sealed=KEEP.key())
    return await KEEP.show("keep_account.html", form, refusal=refusal, username=username)
