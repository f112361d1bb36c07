"""Signing in and out."""

from typing import Any

from quart import Blueprint, flash, make_response, redirect, render_template, request
from quart.typing import ResponseTypes
from quart_auth import current_user, logout_user

from app.flows import login, passkey_login
from app.http import kept_next, pending_login, resume
from app.http.access import anyone
from app.http.context import context
from app.http.resume import next_wanted, to_sign_in
from app.services import services
from app.web import factor_login, passkeys
from app.web.factor_fields import AnswerForm
from app.web.fields import LoginForm, StayForm, TicketForm, given
from app.web.forms import show, submits

pages = Blueprint("login", __name__)


@pages.get("/login")
@anyone
async def show_login() -> ResponseTypes:
    """Show the form, and why it is asked for if a guarded page sent the visitor here."""
    wanted = next_wanted(request.args.get("next"))
    if await current_user.is_authenticated:
        return redirect(wanted or services().config.home, 303)
    return await _show_login(LoginForm(data={"next": wanted}), asked_for=wanted)


async def _show_login(form: LoginForm | AnswerForm, **how: Any) -> ResponseTypes:
    """Show the form, with a passkey's button where there can be passkeys."""
    asked = await passkeys.offer()
    shown = form
    if isinstance(form, AnswerForm):
        shown = LoginForm(data={"next": form.next.data, "remember_me": form.remember_me.data})
        shown.form_errors = [*form.form_errors, *form.answer.errors]
    how["offers_by_itself"] = shown is form  # but not again after a passkey was refused
    how |= {"options": asked and asked.options, "elsewhere": passkeys.address_with_name()}
    response = await show("login.html", shown, **how)
    return passkeys.with_script(response, asked.sealed) if asked else response


@pages.post("/login")
@anyone
@submits(LoginForm, _show_login)
async def submit_login(form: LoginForm) -> ResponseTypes:
    """Sign in and go to the page that was asked for."""
    name, password = given(form.email_or_user), given(form.password)
    async with context() as ctx:
        outcome = await login.sign_in(
            ctx, name=name, password=password, remember=form.remember_me.data
        )
    if isinstance(outcome, login.SignedIn):
        return await factor_login.signed_in(outcome, form.next.data)
    if isinstance(outcome, login.FactorDue):
        return pending_login.keep(
            to_sign_in(next_wanted(form.next.data), path="/login/factor"), outcome.secret
        )
    if isinstance(outcome, login.DeletionPending):
        stay = StayForm(data={"ticket": outcome.ticket, "next": form.next.data})
        return await show("deletion_pending.html", stay, status=403, day=outcome.day)
    ticket = TicketForm(data={"ticket": outcome.ticket})
    unconfirmed = await show("unconfirmed.html", ticket, status=403)
    return kept_next.keep(unconfirmed, form.next.data, name=name)


@pages.post("/login/passkey")
@anyone
@submits(AnswerForm, _show_login)
async def submit_passkey(form: AnswerForm) -> ResponseTypes:
    """Sign in by a passkey alone."""
    async with context() as ctx:
        done = await passkey_login.sign_in(
            ctx,
            answer=given(form.answer),
            sealed=passkeys.sealed(),
            remember=form.remember_me.data,
        )
    return await factor_login.signed_in(done, form.next.data)


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
