"""Accepting an invitation: choosing the first password."""

from quart import Blueprint, flash, redirect, request
from quart.typing import ResponseTypes

from app.flows import invitation
from app.house import house
from app.kit.errors import LinkUnusable, Refusal
from app.web import links
from app.web.clients import client
from app.web.fields import NewPasswordForm, given
from app.web.forms import show
from app.web.guards import anyone

pages = Blueprint("invitation", __name__)

TEMPLATE = "invitation.html"


@pages.get("/invitation/<sealed>")
@anyone
async def open_link(sealed: str) -> ResponseTypes:
    """Take the link's key out of the address bar."""
    return links.keep(sealed, "/invitation")


@pages.get("/invitation")
@anyone
async def invitation_form() -> ResponseTypes:
    """Ask for a password."""
    return links.unshared(await show(TEMPLATE, NewPasswordForm(), username=await _username()))


@pages.post("/invitation")
@anyone
async def accept() -> ResponseTypes:
    """Store the password; the person signs in with it next."""
    form = NewPasswordForm(await request.form)
    username = await _username()
    if not form.validate():
        return links.unshared(await show(TEMPLATE, form, status=422, username=username))
    try:
        await _accept(given(form.password))
    except LinkUnusable:
        raise
    except Refusal as refusal:
        return links.unshared(await show(TEMPLATE, form, refusal=refusal, username=username))
    await flash("Your password is set. You can sign in now.")
    return links.forget(redirect("/login", 303))


async def _username() -> str:
    async with house().session() as session:
        return await invitation.find_invitation(session, config=house().config, sealed=links.kept())


async def _accept(password: str) -> None:
    async with house().session() as session:
        await invitation.accept(
            session,
            config=house().config,
            hasher=house().hasher,
            sealed=links.kept(),
            password=password,
            client=client(),
        )
