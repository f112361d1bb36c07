"""Registering and confirming."""

from typing import Any

from quart import Blueprint, flash, make_response, redirect, render_template, request
from quart.typing import ResponseTypes
from quart_auth import current_user

from app.flows import confirmation, registration
from app.http import cookies, kept_next
from app.http.access import anyone
from app.http.context import context
from app.http.kept_links import Again, KeptLink
from app.http.resume import next_wanted, to_sign_in
from app.kit.errors import RegistrationClosed
from app.kit.links import CONFIRM_VALID_HOURS
from app.services import services
from app.web import factor_login
from app.web.fields import ConfirmForm, RegisterForm, TicketForm, given
from app.web.forms import show, submits
from app.web.profile_fields import values_of, with_profile
from app.words.refusals import sentence

pages = Blueprint("register", __name__)

LINK = KeptLink("confirm", "/confirm", Again("Sign in for a new link", "/login"))
FORM = with_profile(RegisterForm, "registration")
RECEIPTS = "receipts"  # they show that a link is opened in the browser that registered
MOST_RECEIPTS = 3
RECEIPT_SECONDS = CONFIRM_VALID_HOURS * 3600


@pages.get("/register")
@anyone
async def show_registration() -> ResponseTypes:
    """Show the form."""
    wanted = next_wanted(request.args.get("next"))
    if await current_user.is_authenticated:
        return redirect(wanted or services().config.home, 303)
    try:
        registration.require_open(services().config)
    except RegistrationClosed as refusal:
        return await _closed(refusal, status=200)
    return await show("register.html", FORM(data={"next": wanted}))


@pages.post("/register")
@anyone
async def submit_registration() -> ResponseTypes:
    """Register, unless nobody can."""
    try:
        registration.require_open(services().config)
    except RegistrationClosed as refusal:
        return await _closed(refusal, status=refusal.status)
    return await _register()


@submits(FORM, "register.html")
async def _register(form: RegisterForm) -> ResponseTypes:
    """Register, and say the same whether or not the address was known."""
    async with context() as ctx:
        receipt = await registration.register(
            ctx,
            username=given(form.username),
            email=given(form.email),
            password=given(form.password),
            accepts_terms=form.terms.data,
            profile=values_of(form),
        )
    response = await _check_email(given(form.email), next_wanted(form.next.data))
    kept_next.keep(response, form.next.data, name=given(form.email))
    kept = "~".join([receipt, *_receipts()][:MOST_RECEIPTS])
    cookies.put(response, RECEIPTS, kept, seconds=RECEIPT_SECONDS)
    return response


@pages.post("/confirm/resend")
@anyone
async def resend() -> ResponseTypes:
    """Send the confirmation again, to who just showed that they know the password."""
    form = TicketForm(await request.form)
    async with context() as ctx:
        await registration.resend(ctx, ticket=given(form.ticket))
    return await _check_email(None, None)


@pages.get("/confirm/<sealed>")
@anyone
async def open_link(sealed: str) -> ResponseTypes:
    """Take the link's key out of the address bar."""
    return LINK.keep(sealed)


@pages.get("/confirm")
@anyone
async def show_confirmation() -> ResponseTypes:
    """Show a button: mail scanners open links, they press nothing (TK-06)."""
    return await _show_confirmation(ConfirmForm())


async def _show_confirmation(form: ConfirmForm, **how: Any) -> ResponseTypes:
    async with context() as ctx:
        opened = await confirmation.open_confirmation(ctx, sealed=LINK.key(), receipts=_receipts())
    form.next.data = kept_next.kept(opened.email, opened.username)
    return await show("confirm.html", form, link=LINK, opened=opened, **how)


@pages.post("/confirm")
@anyone
@submits(ConfirmForm, _show_confirmation, link=LINK)
async def submit_confirmation(form: ConfirmForm) -> ResponseTypes:
    """Use the link up, and sign in."""
    async with context() as ctx:
        outcome = await confirmation.confirm(
            ctx,
            sealed=LINK.key(),
            receipts=_receipts(),
            password=given(form.password),
            signs_in=True,
        )
    if isinstance(outcome, confirmation.SignedIn):
        wanted = next_wanted(form.next.data)
        if (wanted or services().config.home).startswith("/"):  # elsewhere nobody would see it
            await flash("Your email address is confirmed. You're signed in.")
        response = await factor_login.signed_in(outcome, wanted)
    else:
        await flash("Your email address is confirmed. You can sign in now.")
        response = to_sign_in(next_wanted(form.next.data))
    return LINK.forget(kept_next.forget(response))


async def _closed(refusal: RegistrationClosed, *, status: int) -> ResponseTypes:
    wanted = next_wanted(request.args.get("next"))
    html = await render_template("register_closed.html", text=sentence(refusal), next=wanted)
    return await make_response(html, status)


def _receipts() -> list[str]:
    return [receipt for receipt in cookies.get(RECEIPTS).split("~") if receipt]


async def _check_email(email: str | None, wanted: str | None) -> ResponseTypes:
    facts = {"email": email, "valid_hours": CONFIRM_VALID_HOURS, "next": wanted}
    return await make_response(await render_template("check_email.html", **facts))
