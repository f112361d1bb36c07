"""The account's page of second factors."""

from typing import Any
from uuid import UUID

import segno
from markupsafe import Markup
from quart import Blueprint, flash, make_response, redirect, render_template
from quart.typing import ResponseTypes

from app.flows import authenticator_app, passkeys, security
from app.http.context import context
from app.http.current_user import renew
from app.http.marks import enrolment, sensitive
from app.kit.factor_errors import NoSuchFactor
from app.web import passkeys as buttons
from app.web.factor_fields import ConfirmAppForm, NewPasskeyForm, PasskeyNameForm
from app.web.fields import BaseForm, given
from app.web.forms import show, submits

pages = Blueprint("security", __name__, url_prefix="/account/security")

HOME = "/account/security"
CONFIRM = "/account/security/app/confirm"


@pages.get("")
@enrolment
async def show_security() -> ResponseTypes:
    """Show which factors there are."""
    return await _show(BaseForm())


async def _show(form: BaseForm, **how: Any) -> ResponseTypes:
    how.pop("passkey_id", None)
    async with context() as ctx:
        found = await security.overview(ctx)
    elsewhere = buttons.address_with_name()
    return await show("account/security.html", form, found=found, elsewhere=elsewhere, **how)


@pages.post("/app")
@sensitive
@enrolment
async def begin_app() -> ResponseTypes:
    """Make a secret for an app."""
    async with context() as ctx:
        await authenticator_app.begin(ctx)
    return redirect(CONFIRM, 303)


@pages.get("/app/confirm")
@sensitive
@enrolment
async def show_app() -> ResponseTypes:
    """Show the secret, as a QR code and as text, until the first code was shown."""
    return await _show_app(ConfirmAppForm())


async def _show_app(form: ConfirmAppForm, **how: Any) -> ResponseTypes:
    try:
        async with context() as ctx:
            begun = await authenticator_app.begun(ctx)
    except NoSuchFactor:
        return redirect(HOME, 303)
    qr = _qr(begun.address)
    return await show("account/app.html", form, secret=begun.secret, qr=qr, **how)


@pages.post("/app/confirm")
@sensitive
@enrolment
@submits(ConfirmAppForm, _show_app)
async def confirm_app(form: ConfirmAppForm) -> ResponseTypes:
    """Let the app count."""
    async with context() as ctx:
        added = await authenticator_app.confirm(ctx, code=given(form.code))
    renew(added.renewed)
    return await _added(added.codes, "Your authenticator app is set up.")


@pages.post("/app/remove")
@sensitive
@enrolment
@submits(BaseForm, _show)
async def remove_app(_form: BaseForm) -> ResponseTypes:
    """Remove the app."""
    async with context() as ctx:
        renew(await authenticator_app.remove(ctx))
    await flash("Your authenticator app is removed. You've been signed out everywhere else.")
    return redirect(HOME, 303)


@pages.post("/recovery-codes")
@sensitive
@enrolment
@submits(BaseForm, _show)
async def make_codes(_form: BaseForm) -> ResponseTypes:
    """Make new recovery codes, and show them once."""
    async with context() as ctx:
        made = await security.new_codes(ctx)
    renew(made.renewed)
    return await _show_codes(made.codes)


@pages.get("/passkeys/new")
@sensitive
@enrolment
async def show_new_passkey() -> ResponseTypes:
    """Ask for a name and a passkey."""
    return await _show_new_passkey(NewPasskeyForm(data={"name": "Passkey"}))


async def _show_new_passkey(form: NewPasskeyForm, **how: Any) -> ResponseTypes:
    async with context() as ctx:
        options = await passkeys.options(ctx) if buttons.has_name() else None
    response = await show("account/new_passkey.html", form, options=options, **how)
    return buttons.with_script(response) if options else response


@pages.post("/passkeys/new")
@sensitive
@enrolment
@submits(NewPasskeyForm, _show_new_passkey)
async def add_passkey(form: NewPasskeyForm) -> ResponseTypes:
    """Add a passkey that the browser made."""
    async with context() as ctx:
        added = await passkeys.add(ctx, answer=given(form.answer), name=given(form.name))
    renew(added.renewed)
    return await _added(added.codes, "Your passkey is added.")


@pages.post("/passkeys/<uuid:passkey_id>/rename")
@sensitive
@enrolment
@submits(PasskeyNameForm, _show)
async def rename_passkey(form: PasskeyNameForm, passkey_id: UUID) -> ResponseTypes:
    """Name a passkey."""
    async with context() as ctx:
        await passkeys.rename(ctx, passkey_id=passkey_id, name=given(form.name))
    await flash("Your passkey is renamed.")
    return redirect(HOME, 303)


@pages.post("/passkeys/<uuid:passkey_id>/remove")
@sensitive
@enrolment
@submits(BaseForm, _show)
async def remove_passkey(_form: BaseForm, passkey_id: UUID) -> ResponseTypes:
    """Remove a passkey."""
    async with context() as ctx:
        renew(await passkeys.remove(ctx, passkey_id=passkey_id))
    await flash("Your passkey is removed. You've been signed out everywhere else.")
    return redirect(HOME, 303)


@pages.post("/browsers/distrust")
@sensitive
async def distrust() -> ResponseTypes:
    """Ask for the second factor in all browsers again."""
    async with context() as ctx:
        await security.distrust(ctx)
    await flash("You'll be asked for your second factor in every browser.")
    return redirect(HOME, 303)


async def _added(codes: list[str], words: str) -> ResponseTypes:
    await flash(words)
    return await _show_codes(codes) if codes else redirect(HOME, 303)


async def _show_codes(codes: list[str]) -> ResponseTypes:
    return await make_response(await render_template("account/recovery_codes.html", codes=codes))


def _qr(address: str) -> Markup:
    """Return a QR code as inline SVG; it is ours, and made of numbers alone."""
    code = segno.make(address, error="m", micro=False)
    return Markup(code.svg_inline(scale=4, border=4, light="#fff", svgclass="qr", lineclass=None))  # noqa: S704
