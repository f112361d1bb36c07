"""Registering and confirming."""

from quart import Blueprint, flash, make_response, redirect, render_template, request
from quart.typing import ResponseTypes
from quart_auth import current_user

from app.flows import confirmation, registration
from app.house import house
from app.kit.errors import Refusal, RegistrationClosed, TryLater, WrongPassword
from app.kit.links import CONFIRM_VALID_HOURS
from app.web import cookies, links
from app.web.context import context
from app.web.fields import ConfirmForm, RegisterForm, TicketForm, given
from app.web.forms import show
from app.web.guards import anyone

pages = Blueprint("register", __name__)

LINK = links.KeptLink("confirm", "/confirm", links.Again("Sign in for a new link", "/login"))
RECEIPTS = "receipts"  # they show that a link is opened in the browser that registered
MOST_RECEIPTS = 3
RECEIPT_SECONDS = CONFIRM_VALID_HOURS * 3600


@pages.get("/register")
@anyone
async def register() -> ResponseTypes:
    """Show the form."""
    if await current_user.is_authenticated:
        return redirect("/", 303)
    try:
        registration.require_open(house().config)
    except RegistrationClosed as refusal:
        return await _closed(refusal, status=200)
    return await show("register.html", RegisterForm())


@pages.post("/register")
@anyone
async def apply() -> ResponseTypes:
    """Register, and say the same whether or not the address was known."""
    try:
        registration.require_open(house().config)
    except RegistrationClosed as refusal:
        return await _closed(refusal, status=refusal.status)
    form = RegisterForm(await request.form)
    if not form.validate():
        return await show("register.html", form, status=422)
    try:
        receipt = await _register(form)
    except Refusal as refusal:
        return await show("register.html", form, refusal=refusal)
    response = await _check_mail(given(form.email))
    kept = "~".join([receipt, *_receipts()][:MOST_RECEIPTS])
    cookies.put(response, RECEIPTS, kept, seconds=RECEIPT_SECONDS)
    return response


@pages.post("/confirm/resend")
@anyone
async def resend() -> ResponseTypes:
    """Send the confirmation again, to who just showed that he knows the password."""
    form = TicketForm(await request.form)
    async with context() as ctx:
        await registration.resend(ctx, ticket=given(form.ticket))
    return await _check_mail(None)


@pages.get("/confirm/<sealed>")
@anyone
async def open_link(sealed: str) -> ResponseTypes:
    """Take the link's key out of the address bar."""
    return LINK.keep(sealed)


@pages.get("/confirm")
@anyone
async def confirm() -> ResponseTypes:
    """Show a button: mail scanners open links, they press nothing (TK-06)."""
    return await _show_confirmation(ConfirmForm())


@pages.post("/confirm")
@anyone
async def confirmed() -> ResponseTypes:
    """Use the link up."""
    form = ConfirmForm(await request.form)
    if another := LINK.refuse_another(form):
        return await _show_confirmation(form, another)
    try:
        await _confirm(form)
    except (WrongPassword, TryLater) as refusal:
        return await _show_confirmation(form, refusal)
    await flash("Your address is confirmed. You can sign in now.")
    return LINK.forget(redirect("/login", 303))


async def _register(form: RegisterForm) -> str:
    async with context() as ctx:
        return await registration.register(
            ctx,
            username=given(form.username),
            email=given(form.email),
            password=given(form.password),
            accepts_terms=form.terms.data,
        )


async def _closed(refusal: RegistrationClosed, *, status: int) -> ResponseTypes:
    html = await render_template("register_closed.html", text=refusal.sentence)
    return await make_response(html, status)


async def _confirm(form: ConfirmForm) -> None:
    async with context() as ctx:
        await confirmation.confirm(
            ctx, sealed=LINK.key(), receipts=_receipts(), password=given(form.password)
        )


async def _show_confirmation(form: ConfirmForm, refusal: Refusal | None = None) -> ResponseTypes:
    async with context() as ctx:
        opened = await confirmation.open_confirmation(ctx, sealed=LINK.key(), receipts=_receipts())
    return await LINK.show("confirm.html", form, refusal=refusal, opened=opened)


def _receipts() -> list[str]:
    return [receipt for receipt in cookies.get(RECEIPTS).split("~") if receipt]


async def _check_mail(email: str | None) -> ResponseTypes:
    facts = {"email": email, "valid_hours": CONFIRM_VALID_HOURS}
    html = await render_template("check_mail.html", **facts)
    return await make_response(html)
