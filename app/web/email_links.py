"""Links in emails that need no more than a press of a button."""

from typing import Any

from quart import Blueprint, flash, make_response, redirect, render_template, request
from quart.typing import ResponseTypes
from quart_auth import current_user, logout_user

from app.flows import deletion, email_change, login, lost_factor, takeback
from app.http.access import anyone
from app.http.context import context
from app.http.current_user import renew
from app.http.kept_links import Again, KeptLink
from app.http.resume import next_wanted, to_sign_in
from app.kit.sealing import Purpose
from app.services import services
from app.web.fields import LinkedForm, StayForm
from app.web.forms import show, submits
from app.web.names import called

pages = Blueprint("email_links", __name__)

CHANGE = KeptLink("change-email", "/change-email", Again("Send me a new link", "/account/email"))
NOT_ME = KeptLink("not-me", "/not-me", Again("Choose a new password", "/reset"))
KEEP = KeptLink("keep", "/keep-account", Again("Sign in to keep it", "/login"))

LOST_FACTOR = KeptLink("lost-factor", "/lost-factor", Again("Sign in again", "/login"))
KEEP_FACTORS = KeptLink("keep-factors", "/keep-factors", Again("Choose a new password", "/reset"))


@pages.get("/change-email/<sealed>")
@anyone
async def open_change(sealed: str) -> ResponseTypes:
    """Take the link's key out of the address bar."""
    return CHANGE.keep(sealed)


@pages.get("/change-email")
@anyone
async def show_change() -> ResponseTypes:
    """Show a button that confirms a new address."""
    return await _show_change(LinkedForm())


async def _show_change(form: LinkedForm, **how: Any) -> ResponseTypes:
    async with context() as ctx:
        opened = await email_change.open_change(ctx, sealed=CHANGE.key())
    return await show("change_email.html", form, link=CHANGE, opened=opened, **how)


@pages.post("/change-email")
@anyone
@submits(LinkedForm, _show_change, link=CHANGE)
async def submit_change(_form: LinkedForm) -> ResponseTypes:
    """Change the address."""
    async with context() as ctx:
        renewed = await email_change.confirm_change(ctx, sealed=CHANGE.key())
    if renewed is not None:
        renew(renewed)
    await flash("Your new email address is confirmed. Use it to sign in from now on.")
    return CHANGE.forget(redirect("/account" if renewed else "/login", 303))


@pages.get("/lost-factor/<sealed>")
@anyone
async def open_lost_factor(sealed: str) -> ResponseTypes:
    """Take the link's key out of the address bar."""
    return LOST_FACTOR.keep(sealed)


@pages.get("/lost-factor")
@anyone
async def show_lost_factor() -> ResponseTypes:
    """Show a button that begins the wait."""
    return await _show_lost_factor(LinkedForm())


async def _show_lost_factor(form: LinkedForm, **how: Any) -> ResponseTypes:
    async with context() as ctx:
        owner = await lost_factor.find(ctx, sealed=LOST_FACTOR.key(), purpose=Purpose.FACTOR_RESET)
    how |= {"username": called(owner), "days": services().config.factor_reset_days}
    return await show("lost_factor.html", form, link=LOST_FACTOR, **how)


@pages.post("/lost-factor")
@anyone
@submits(LinkedForm, _show_lost_factor, link=LOST_FACTOR)
async def submit_lost_factor(_form: LinkedForm) -> ResponseTypes:
    """Begin the wait."""
    async with context() as ctx:
        day = await lost_factor.begin_wait(ctx, sealed=LOST_FACTOR.key())
    html = await render_template("lost_factor_begun.html", day=day)
    return LOST_FACTOR.forget(await make_response(html))


@pages.get("/keep-factors/<sealed>")
@anyone
async def open_keep_factors(sealed: str) -> ResponseTypes:
    """Take the link's key out of the address bar."""
    return KEEP_FACTORS.keep(sealed)


@pages.get("/keep-factors")
@anyone
async def show_keep_factors() -> ResponseTypes:
    """Show a button that ends the wait."""
    return await _show_keep_factors(LinkedForm())


async def _show_keep_factors(form: LinkedForm, **how: Any) -> ResponseTypes:
    async with context() as ctx:
        owner = await lost_factor.find(ctx, sealed=KEEP_FACTORS.key(), purpose=Purpose.KEEP_FACTORS)
    return await show("keep_factors.html", form, link=KEEP_FACTORS, username=called(owner), **how)


@pages.post("/keep-factors")
@anyone
@submits(LinkedForm, _show_keep_factors, link=KEEP_FACTORS)
async def submit_keep_factors(_form: LinkedForm) -> ResponseTypes:
    """End the wait: everything stays."""
    async with context() as ctx:
        await lost_factor.stop(ctx, sealed=KEEP_FACTORS.key())
    await flash("Your second factors stay. If you didn't start this, change your password.")
    return KEEP_FACTORS.forget(redirect("/login", 303))


@pages.get("/not-me/<sealed>")
@anyone
async def open_not_me(sealed: str) -> ResponseTypes:
    """Take the link's key out of the address bar."""
    return NOT_ME.keep(sealed)


@pages.get("/not-me")
@anyone
async def show_not_me() -> ResponseTypes:
    """Say what the button does."""
    return await _show_not_me(LinkedForm())


async def _show_not_me(form: LinkedForm, **how: Any) -> ResponseTypes:
    async with context() as ctx:
        opened = await takeback.open_notice(ctx, sealed=NOT_ME.key())
    return await show("not_me.html", form, link=NOT_ME, opened=opened, **how)


@pages.post("/not-me")
@anyone
@submits(LinkedForm, _show_not_me, link=NOT_ME)
async def submit_not_me(_form: LinkedForm) -> ResponseTypes:
    """Take the account back for its owner."""
    async with context() as ctx:
        done = await takeback.take_back(ctx, sealed=NOT_ME.key())
        if current_user.auth_id is not None:  # perhaps another user's
            await login.sign_out(ctx)
            logout_user()
    html = await render_template("taken_back.html", done=done)
    return NOT_ME.forget(await make_response(html))


@pages.get("/keep-account/<sealed>")
@anyone
async def open_keep(sealed: str) -> ResponseTypes:
    """Take the link's key out of the address bar."""
    return KEEP.keep(sealed)


@pages.get("/keep-account")
@anyone
async def show_keep() -> ResponseTypes:
    """Show a button that keeps an account."""
    return await _show_keep(LinkedForm())


async def _show_keep(form: LinkedForm, **how: Any) -> ResponseTypes:
    async with context() as ctx:
        username = await deletion.find_owner(ctx, sealed=KEEP.key())
    return await show("keep_account.html", form, link=KEEP, username=username, **how)


@pages.post("/keep-account")
@anyone
async def submit_keep() -> ResponseTypes:
    """Keep the account, by the link or by a password that was just shown."""
    form = StayForm(await request.form)
    if not form.ticket.data:
        return await _keep_by_link()
    async with context() as ctx:
        await deletion.keep_by_password(ctx, ticket=form.ticket.data)
    return await _kept(next_wanted(form.next.data))


@submits(LinkedForm, _show_keep, link=KEEP)
async def _keep_by_link(_form: LinkedForm) -> ResponseTypes:
    async with context() as ctx:
        await deletion.keep_by_link(ctx, sealed=KEEP.key())
    return KEEP.forget(await _kept())


async def _kept(wanted: str | None = None) -> ResponseTypes:
    await flash("Welcome back. Your account is kept. Please sign in.")
    return to_sign_in(wanted)
