"""Signing in and out."""

from quart import Blueprint, flash, make_response, redirect, render_template, request
from quart.typing import ResponseTypes
from quart_auth import current_user, login_user, logout_user

from app.flows import login as flow
from app.house import house
from app.kit.errors import Refusal
from app.kit.urls import wanted_path
from app.web import browsers, sudo
from app.web.context import context
from app.web.current import CurrentUser
from app.web.fields import LoginForm, TicketForm, given
from app.web.forms import show
from app.web.guards import anyone

pages = Blueprint("login", __name__)

DOORS = frozenset({"/login", "/logout"})


@pages.get("/login")
@anyone
async def login() -> ResponseTypes:
    """Show the form, and why it is asked for if a guarded page sent the visitor here."""
    wanted = _wanted(request.args.get("next"))
    if await current_user.is_authenticated:
        return redirect(wanted or "/", 303)
    return await show("login.html", LoginForm(data={"next": wanted}), asked_for=wanted)


@pages.post("/login")
@anyone
async def enter() -> ResponseTypes:
    """Sign in and go to the page that was asked for."""
    form = LoginForm(await request.form)
    if not form.validate():
        return await show("login.html", form, status=422)
    try:
        outcome = await _sign_in(form)
    except Refusal as refusal:
        return await show("login.html", form, refusal=refusal)
    if isinstance(outcome, flow.SignedIn):
        login_user(CurrentUser(outcome.secret), remember=outcome.remembered)
        wanted = _wanted(form.next.data)
        await sudo.remind(comes_back=wanted is not None)
        return browsers.keep(redirect(wanted or "/", 303), outcome.browser)
    ticket = TicketForm(data={"ticket": outcome.ticket})
    if isinstance(outcome, flow.Leaving):
        return await show("leaving.html", ticket, status=403, day=outcome.day)
    return await show("unconfirmed.html", ticket, status=403)


@pages.get("/logout")
@anyone
async def leave() -> ResponseTypes:
    """Show a button: a link or an image must not sign anybody out."""
    if not await current_user.is_authenticated:
        return redirect("/", 303)
    return await make_response(await render_template("logout.html"))


@pages.post("/logout")
@anyone
async def left() -> ResponseTypes:
    """End the session, here and on every worker."""
    if current_user.auth_id is not None:
        async with context() as ctx:
            await flow.sign_out(ctx)
        logout_user()
    sudo.forget_typed()
    await flash("You have been logged out.")
    response = redirect("/", 303)
    if house().config.is_https:  # heeded over TLS only; “cache” can take seconds
        response.headers["Clear-Site-Data"] = '"storage"'
    return response


def _wanted(text: str | None) -> str | None:
    """Return the page that was asked for, if it is one of ours and not a door itself."""
    path = wanted_path(text)
    return None if path is None or path.split("?")[0] in DOORS else path


async def _sign_in(form: LoginForm) -> flow.Outcome:
    async with context() as ctx:
        return await flow.sign_in(
            ctx,
            name=given(form.email_or_user),
            password=given(form.password),
            remember=form.remember_me.data,
        )
