"""A person's own pages."""

from uuid import UUID

from quart import Blueprint, Response, flash, redirect, render_template, request
from quart.typing import ResponseTypes
from quart_auth import logout_user

from app.flows import account, email_change, leaving, own_data, password
from app.kit.errors import Refusal
from app.web import current, streams, sudo
from app.web.context import context
from app.web.fields import (
    ChangeEmailForm,
    ChangePasswordForm,
    LeaveForm,
    UsernameForm,
    given,
)
from app.web.forms import show
from app.web.guards import sensitive

pages = Blueprint("account", __name__, url_prefix="/account")

HOME = "/account"
SESSIONS = "/account/sessions"


@pages.get("")
async def overview() -> str:
    """Show who one is here, and what can be changed."""
    async with context() as ctx:
        found = await account.overview(ctx)
    return await render_template("account/overview.html", **found._asdict())


@pages.get("/password")
async def password_form() -> ResponseTypes:
    """Ask for the old password and the new one."""
    return await show("account/password.html", ChangePasswordForm())


@pages.post("/password")
async def change_password() -> ResponseTypes:
    """Change the password; every other browser is signed out."""
    form = ChangePasswordForm(await request.form)
    if not form.validate():
        return await show("account/password.html", form, status=422)
    try:
        async with context() as ctx:
            renewed = await password.change_password(
                ctx, current=given(form.current_password), password=given(form.password)
            )
    except Refusal as refusal:
        return await show("account/password.html", form, refusal=refusal)
    current.renew(renewed)
    await flash("Your password is changed. All other browsers have been signed out.")
    return redirect(HOME, 303)


@pages.get("/email")
async def email_form() -> ResponseTypes:
    """Ask for another address."""
    return await show("account/email.html", ChangeEmailForm(sudo.typed()))


@pages.post("/email")
async def change_email() -> ResponseTypes:
    """Write to the new address, and say the same whether or not it is somebody's."""
    form = ChangeEmailForm(await request.form)
    if not form.validate():
        return await show("account/email.html", form, status=422)
    try:
        async with context() as ctx:
            await email_change.request_change(
                ctx, email=given(form.email), password=given(form.current_password)
            )
    except Refusal as refusal:
        return await show("account/email.html", form, refusal=refusal)
    await flash(
        f"We have sent a letter to {given(form.email)}. Open the link in it within an hour to "
        "change your address."
    )
    return redirect(HOME, 303)


@pages.post("/email/cancel")
async def cancel_email() -> ResponseTypes:
    """Keep the address that one has."""
    async with context() as ctx:
        await email_change.cancel_change(ctx)
    await flash("Your address stays as it is.")
    return redirect(HOME, 303)


@pages.get("/username")
@sensitive
async def username_form() -> ResponseTypes:
    """Ask for another user name."""
    form = UsernameForm(sudo.typed(), data={"username": current.person().username})
    return await show("account/username.html", form)


@pages.post("/username")
@sensitive
async def change_username() -> ResponseTypes:
    """Change the user name."""
    form = UsernameForm(await request.form)
    if not form.validate():
        return await show("account/username.html", form, status=422)
    try:
        async with context() as ctx:
            await account.change_username(ctx, username=given(form.username))
    except Refusal as refusal:
        return await show("account/username.html", form, refusal=refusal)
    await flash(f"You are {given(form.username)} now.")
    return redirect(HOME, 303)


@pages.get("/sessions")
async def sessions() -> str:
    """Show where one is signed in."""
    async with context() as ctx:
        found = await account.own_sessions(ctx)
    return await render_template("account/sessions.html", sessions=found)


@pages.post("/sessions/<uuid:session_id>/end")
@sensitive
async def end_session(session_id: UUID) -> ResponseTypes:
    """Sign one browser out."""
    async with context() as ctx:
        await account.end_session(ctx, session_id=session_id)
    await flash("That browser is signed out.")
    return redirect(SESSIONS, 303)


@pages.post("/sessions/end-others")
@sensitive
async def end_other_sessions() -> ResponseTypes:
    """Sign all other browsers out."""
    async with context() as ctx:
        number = await account.end_other_sessions(ctx)
    await flash("All other browsers are signed out." if number else "There was no other browser.")
    return redirect(SESSIONS, 303)


@pages.get("/history")
async def history() -> str:
    """Show what was done in one's name, and what happened to it."""
    async with context() as ctx:
        found = await account.own_history(ctx, before=request.args.get("before", ""))
    return await render_template("account/history.html", found=found)


@pages.get("/data")
async def data() -> str:
    """Offer what is known of a person to him, and the way out."""
    return await render_template("account/data.html")


@pages.post("/data")
@sensitive
async def download() -> Response:
    """Hand out all that is known of a person, a piece at a time."""
    async with context() as ctx:
        await own_data.note_download(ctx)
    return streams.file(
        own_data.download,
        name=f"{current.person().username}.json",
        kind="application/json",
    )


@pages.get("/delete")
async def leave_form() -> ResponseTypes:
    """Say what deleting means, and ask for the password."""
    return await show("account/delete.html", LeaveForm(), days=leaving.GRACE.days)


@pages.post("/delete")
async def leave() -> ResponseTypes:
    """Sign everybody out and delete the account after the days of grace."""
    form = LeaveForm(await request.form)
    if not form.validate():
        return await show("account/delete.html", form, status=422, days=leaving.GRACE.days)
    try:
        async with context() as ctx:
            day = await leaving.leave(ctx, password=given(form.current_password))
    except Refusal as refusal:
        return await show("account/delete.html", form, refusal=refusal, days=leaving.GRACE.days)
    logout_user()
    await flash(
        f"Your account will be deleted on {day:%-d %B %Y}. Until then you can keep it: by the "
        "link in the letter that we have sent you, or by signing in."
    )
    return redirect("/", 303)
