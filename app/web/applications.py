"""The account's pages of applications and of tokens for scripts."""

from typing import Any
from uuid import UUID

from quart import Blueprint, flash, make_response, redirect, render_template
from quart.typing import ResponseTypes
from wtforms import BooleanField, IntegerField, SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # newer than stubs
from wtforms.validators import InputRequired
from wtforms.widgets import CheckboxInput, ListWidget

from app.flows import api_tokens, applications
from app.http.context import context
from app.http.marks import accepts, sensitive
from app.kit.addresses import id_of
from app.web.fields import BaseForm, at_most, given, trimmed
from app.web.forms import show, submits

pages = Blueprint("applications", __name__, url_prefix="/account")

HOME, TOKENS = "/account/applications", "/account/tokens"
USUAL_DAYS = 90


class TokenForm(BaseForm):
    """Make a token."""

    name = StringField(
        "Name",
        [InputRequired("Enter a name."), at_most(60, "Use at most 60 characters.")],
        [trimmed],
        description="What it's for, like “backup script”.",
        render_kw={"autocomplete": "off"},
    )
    days = IntegerField(
        "Days",
        [InputRequired("Enter a number of days.")],
        description="How long it lasts, 365 at most.",
        render_kw={"inputmode": "numeric", "autocomplete": "off"},
    )
    reads_account = BooleanField("Read who you are (GET /api/me)")
    sites = SelectMultipleField(
        "Sites",
        validate_choice=False,  # the flow knows which there are
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )


@pages.get("/applications")
async def show_applications() -> str:
    """Show where one is signed in."""
    async with context() as ctx:
        found = await applications.own(ctx)
    return await render_template("account/applications.html", found=found)


@pages.post("/applications/<uuid:site_id>/<uuid:session_id>/sign-out")
async def sign_out_there(site_id: UUID, session_id: UUID) -> ResponseTypes:
    """Sign one out of an application."""
    async with context() as ctx:
        await applications.sign_out_there(ctx, site_id=site_id, session_id=session_id)
    await flash("You're signed out there.")
    return redirect(HOME, 303)


@pages.get("/tokens")
async def show_tokens() -> ResponseTypes:
    """Show one's tokens, and offer to make one."""
    return await _show(TokenForm(data={"days": USUAL_DAYS}))


async def _show(form: TokenForm, **how: Any) -> ResponseTypes:
    async with context() as ctx:
        found = await api_tokens.own(ctx)
    form.sites.choices = [SelectChoice(str(site.id), site.name) for site in found.sites]
    return await show("account/tokens.html", form, found=found, **how)


@pages.post("/tokens")
@sensitive
@accepts(repeated=["sites"])
@submits(TokenForm, _show)
async def create_token(form: TokenForm) -> ResponseTypes:
    """Make a token, and show it once."""
    async with context() as ctx:
        text = await api_tokens.create(
            ctx,
            name=given(form.name),
            sites=[each for each in map(id_of, form.sites.data or []) if each],
            reads_account=form.reads_account.data,
            days=form.days.data or 0,
        )
    html = await render_template("account/token.html", text=text, name=given(form.name))
    return await make_response(html)


@pages.post("/tokens/<uuid:token_id>/revoke")
async def revoke_token(token_id: UUID) -> ResponseTypes:
    """End a token."""
    async with context() as ctx:
        await api_tokens.revoke(ctx, token_id=token_id)
    await flash("The token is revoked.")
    return redirect(TOKENS, 303)
