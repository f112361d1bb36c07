"""Registering and confirming."""

from quart import Blueprint, flash, make_response, redirect, render_template, request
from quart.typing import ResponseTypes

from app.flows import registration
from app.house import house
from app.kit.errors import Refusal
from app.web import links
from app.web.clients import client
from app.web.fields import RegisterForm, ResendForm, given
from app.web.forms import show
from app.web.guards import anyone

pages = Blueprint("register", __name__)


@pages.get("/register")
@anyone
async def register() -> ResponseTypes:
    """Show the form."""
    return await show("register.html", RegisterForm())


@pages.post("/register")
@anyone
async def apply() -> ResponseTypes:
    """Register, and say the same whether or not the address was known."""
    form = RegisterForm(await request.form)
    if not form.validate():
        return await show("register.html", form, status=422)
    try:
        async with house().session() as session:
            await registration.register(
                session,
                config=house().config,
                hasher=house().hasher,
                username=given(form.username),
                email=given(form.email),
                password=given(form.password),
                client=client(),
            )
    except Refusal as refusal:
        return await show("register.html", form, refusal=refusal)
    return await _check_mail(given(form.email))


@pages.post("/confirm/resend")
@anyone
async def resend() -> ResponseTypes:
    """Send the confirmation again, to who just showed that he knows the password."""
    form = ResendForm(await request.form)
    async with house().session() as session:
        await registration.resend(
            session, config=house().config, ticket=given(form.ticket), client=client()
        )
    return await _check_mail(None)


@pages.get("/confirm/<sealed>")
@anyone
async def open_link(sealed: str) -> ResponseTypes:
    """Take the link's key out of the address bar."""
    return links.keep(sealed, "/confirm")


@pages.get("/confirm")
@anyone
async def confirm() -> ResponseTypes:
    """Show a button: mail scanners open links, they press nothing (SECURITY.md TK-06)."""
    async with house().session() as session:
        username = await registration.find_registration(
            session, config=house().config, sealed=links.kept()
        )
    html = await render_template("confirm.html", username=username)
    return links.unshared(await make_response(html))


@pages.post("/confirm")
@anyone
async def confirmed() -> ResponseTypes:
    """Use the link up."""
    async with house().session() as session:
        await registration.confirm(
            session, config=house().config, sealed=links.kept(), client=client()
        )
    await flash("Your address is confirmed. You can sign in now.")
    return links.forget(redirect("/login", 303))


async def _check_mail(email: str | None) -> ResponseTypes:
    valid_hours = registration.CONFIRM_VALID_HOURS
    html = await render_template("check_mail.html", email=email, valid_hours=valid_hours)
    return await make_response(html)
