"""A person's own pages."""

from uuid import UUID

from quart import Blueprint, Response, flash, redirect, render_template, request
from quart.typing import ResponseTypes
from quart_auth import logout_user

from app.flows import account, email_change, leaving, own_data, password
from app.house import house
from app.kit.errors import Refusal
from app.web import browsers, current, streams, sudo
from app.web.clients import client
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
    async with house().session() as session:
        found = await account.overview(
            session, config=house().config, user_id=current.person().user_id
        )
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
        async with house().session() as session:
            renewed = await password.change_password(
                session,
                config=house().config,
                hasher=house().hasher,
                actor=current.actor(),
                secret=current.secret(),
                current=given(form.current_password),
                password=given(form.password),
                client=client(),
                browser=browsers.name(),
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
        async with house().session() as session:
            await email_change.request_change(
                session,
                config=house().config,
                hasher=house().hasher,
                actor=current.actor(),
                email=given(form.email),
                password=given(form.current_password),
                client=client(),
                browser=browsers.name(),
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
    async with house().session() as session:
        await email_change.cancel_change(session, actor=current.actor(), client=client())
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
        async with house().session() as session:
            await account.change_username(
                session,
                config=house().config,
                actor=current.actor(),
                username=given(form.username),
                client=client(),
            )
    except Refusal as refusal:
        return await show("account/username.html", form, refusal=refusal)
    await flash(f"You are {given(form.username)} now.")
    return redirect(HOME, 303)


@pages.get("/sessions")
async def sessions() -> str:
    """Show where one is signed in."""
    person = current.person()
    async with house().session() as session:
        found = await account.own_sessions(
            session,
            config=house().config,
            user_id=person.user_id,
            session_id=person.session_id,
        )
    return await render_template("account/sessions.html", sessions=found)


@pages.post("/sessions/<uuid:session_id>/end")
@sensitive
async def end_session(session_id: UUID) -> ResponseTypes:
    """Sign one browser out."""
    async with house().session() as session:
        await account.end_session(
            session, actor=current.actor(), session_id=session_id, client=client()
        )
    await flash("That browser is signed out.")
    return redirect(SESSIONS, 303)


@pages.post("/sessions/end-others")
@sensitive
async def end_other_sessions() -> ResponseTypes:
    """Sign all other browsers out."""
    async with house().session() as session:
        number = await account.end_other_sessions(
            session,
            actor=current.actor(),
            secret=current.secret(),
            client=client(),
        )
    await flash("All other browsers are signed out." if number else "There was no other browser.")
    return redirect(SESSIONS, 303)


@pages.get("/history")
async def history() -> str:
    """Show what was done in one's name, and what happened to it."""
    async with house().session() as session:
        found = await account.own_history(
            session,
            user_id=current.person().user_id,
            before=request.args.get("before", ""),
        )
    return await render_template("account/history.html", found=found)


@pages.get("/data")
async def data() -> str:
    """Offer what is known of a person to him, and the way out."""
    return await render_template("account/data.html")


@pages.post("/data")
@sensitive
async def download() -> Response:
    """Hand out all that is known of a person, a piece at a time."""
    actor, config = current.actor(), house().config
    async with house().session() as session:
        await own_data.note_download(session, actor=actor, client=client())
    return streams.file(
        lambda session: own_data.download(session, config=config, actor=actor),
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
        async with house().session() as session:
            day = await leaving.leave(
                session,
                config=house().config,
                hasher=house().hasher,
                actor=current.actor(),
                password=given(form.current_password),
                client=client(),
                browser=browsers.name(),
            )
    except Refusal as refusal:
        return await show("account/delete.html", form, refusal=refusal, days=leaving.GRACE.days)
    logout_user()
    await flash(
        f"Your account will be deleted on {day:%-d %B %Y}. Until then you can keep it: by the "
        "link in the letter that we have sent you, or by signing in."
    )
    return redirect("/", 303)
