"""A forgotten password."""

from typing import Any

from quart import Blueprint, flash, make_response, render_template, request
from quart.typing import ResponseTypes

from app.flows import password_reset
from app.http import kept_next, known_browser
from app.http.access import anyone
from app.http.context import context
from app.http.kept_links import Again, KeptLink
from app.http.resume import next_wanted, to_sign_in
from app.kit.links import RESET_VALID_MINUTES
from app.web.fields import ResetForm, ResetRequestForm, given
from app.web.forms import show, submits
from app.web.names import called

pages = Blueprint("reset", __name__)

LINK = KeptLink("reset", "/reset/password", Again("Send me a new link", "/reset"))


@pages.get("/reset")
@anyone
async def show_reset() -> ResponseTypes:
    """Ask whose password is forgotten."""
    wanted = next_wanted(request.args.get("next"))
    return await show("reset.html", ResetRequestForm(data={"next": wanted}))


@pages.post("/reset")
@anyone
@submits(ResetRequestForm, "reset.html")
async def submit_reset(form: ResetRequestForm) -> ResponseTypes:
    """Write to the user, and say the same whether or not there is one."""
    name = given(form.email_or_user)
    async with context() as ctx:
        await password_reset.request_reset(ctx, name=name)
    facts = {"name": name, "valid_minutes": RESET_VALID_MINUTES}
    wanted = next_wanted(form.next.data)
    response = await make_response(await render_template("reset_sent.html", **facts, next=wanted))
    return kept_next.keep(response, wanted, name=name)


@pages.get("/reset/<sealed>")
@anyone
async def open_link(sealed: str) -> ResponseTypes:
    """Take the link's key out of the address bar."""
    return LINK.keep(sealed)


@pages.get("/reset/password")
@anyone
async def show_new_password() -> ResponseTypes:
    """Ask for the new password."""
    return await _show(ResetForm())


async def _show(form: ResetForm, **how: Any) -> ResponseTypes:
    async with context() as ctx:
        owner = await password_reset.find_reset(ctx, sealed=LINK.key())
    form.next.data = kept_next.kept(owner.email, owner.username)
    return await show("reset_password.html", form, link=LINK, username=called(owner), **how)


@pages.post("/reset/password")
@anyone
@submits(ResetForm, _show, link=LINK)
async def submit_new_password(form: ResetForm) -> ResponseTypes:
    """Store it; the user signs in with it next."""
    async with context() as ctx:
        done = await password_reset.reset_password(
            ctx, sealed=LINK.key(), password=given(form.password)
        )
    await flash("Your new password is set. Please sign in with it.")
    response = kept_next.forget(to_sign_in(next_wanted(form.next.data)))
    return known_browser.keep(LINK.forget(response), done.browser)
