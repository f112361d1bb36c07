"""Signing in and out."""

from quart import Blueprint, flash, make_response, redirect, render_template, request
from quart.typing import ResponseTypes
from quart_auth import current_user, login_user, logout_user

from app.flows import login
from app.http import known_browser, resume
from app.http.access import anyone
from app.http.context import context
from app.http.current_user import CurrentUser
from app.kit.urls import wanted_path
from app.services import services
from app.web.fields import LoginForm, TicketForm, given
from app.web.forms import show, submits

pages = Blueprint("login", __name__)

DOORS = frozenset({"/login", "/logout"})


@pages.get("/login")
@anyone
async def show_login() -> ResponseTypes:
    """Show the form, and why it is asked for if a guarded page sent the visitor here."""
    wanted = _wanted(request.args.get("next"))
    if await current_user.is_authenticated:
        return redirect(wanted or "/", 303)
    return await show("login.html", LoginForm(data={"next": wanted}), asked_for=wanted)


@pages.post("/login")
@anyone
@submits(LoginForm, "login.html")
async def submit_login(form: LoginForm) -> ResponseTypes:
    """Sign in and go to the page that was asked for."""
    name, password = given(form.email_or_user), given(form.password)
    async with context() as ctx:
        outcome = await login.sign_in(
            ctx, name=name, password=password, remember=form.remember_me.data
        )
    if isinstance(outcome, login.SignedIn):
        return await _signed_in(outcome, _wanted(form.next.data))
    ticket = TicketForm(data={"ticket": outcome.ticket})
    if isinstance(outcome, login.DeletionPending):
        return await show("deletion_pending.html", ticket, status=403, day=outcome.day)
    return await show("unconfirmed.html", ticket, status=403)


@pages.get("/logout")
@anyone
async def show_logout() -> ResponseTypes:
    """Show a button: a link or an image must not sign anybody out."""
    if not await current_user.is_authenticated:
        return redirect("/", 303)
    return await make_response(await render_template("logout.html"))


@pages.post("/logout")
@anyone
async def submit_logout() -> ResponseTypes:
    """End the session, here and on every worker."""
    if current_user.auth_id is not None:
        async with context() as ctx:
            await login.sign_out(ctx)
        logout_user()
    resume.forget_typed()
    await flash("You've been signed out.")
    response = redirect("/", 303)
    if services().config.is_https:  # heeded over TLS only; “cache” can take seconds
        response.headers["Clear-Site-Data"] = '"storage"'
    return response


async def _signed_in(done: login.SignedIn, wanted: str | None) -> ResponseTypes:
    login_user(CurrentUser(done.secret), remember=done.remembered)
    await resume.remind(comes_back=wanted is not None)
    return known_browser.keep(redirect(wanted or "/", 303), done.browser)


def _wanted(text: str | None) -> str | None:
    """Return the page that was asked for, if it is one of ours and not a door itself."""
    path = wanted_path(text)
    return None if path is None or path.split("?")[0] in DOORS else path
