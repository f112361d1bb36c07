"""The account pages of who is signed in."""

from functools import partial
from typing import Any
from uuid import UUID

from quart import Blueprint, Response, flash, redirect, render_template, request
from quart.typing import ResponseTypes
from quart_auth import logout_user
from werkzeug.exceptions import NotFound

from app.flows import account, data_download, deletion, email_change, password, profile
from app.http import resume, streams
from app.http.access import sensitive
from app.http.context import context
from app.http.current_user import current_session, renew
from app.http.marks import fresh_factor
from app.kit import time_zones
from app.services import services
from app.web.fields import (
    BaseForm,
    ChangeEmailForm,
    ChangePasswordForm,
    DeleteAccountForm,
    UsernameForm,
    given,
)
from app.web.forms import show, submits
from app.web.names import require_usernames
from app.web.profile_fields import asked, shown, typed_values, values_of, with_profile
from app.words.audit_log import tell_owner

pages = Blueprint("account", __name__, url_prefix="/account")

HOME = "/account"
SESSIONS = "/account/sessions"
PROFILE = with_profile(BaseForm, "account")


@pages.get("")
async def show_overview() -> str:
    """Show who one is here, and what can be changed."""
    async with context() as ctx:
        found = await account.overview(ctx)
        told = await profile.own(ctx) if asked("account") else {}
    return await render_template(
        "account/overview.html", **found._asdict(), profile=shown(told, "account")
    )


@pages.get("/profile")
async def show_profile() -> ResponseTypes:
    """Ask for what the site wants to know."""
    if not asked("account"):
        raise NotFound
    async with context() as ctx:
        told = await profile.own(ctx)
    return await show("account/profile.html", PROFILE(data=typed_values(told)))


@pages.post("/profile")
@submits(PROFILE, "account/profile.html")
async def submit_profile(form: BaseForm) -> ResponseTypes:
    """Save what a user tells of themselves."""
    async with context() as ctx:
        await profile.change_own(ctx, values=values_of(form))
    await flash("Saved.")
    return redirect(HOME, 303)


@pages.get("/password")
@fresh_factor
async def show_password() -> ResponseTypes:
    """Ask for the old password and the new one."""
    return await show("account/password.html", ChangePasswordForm())


@pages.post("/password")
@fresh_factor
@submits(ChangePasswordForm, "account/password.html")
async def submit_password(form: ChangePasswordForm) -> ResponseTypes:
    """Change password; every other browser is signed out."""
    async with context() as ctx:
        renewed = await password.change_password(
            ctx, current=given(form.current_password), password=given(form.password)
        )
    renew(renewed)
    await flash("Your password is changed. You've been signed out everywhere else.")
    return redirect(HOME, 303)


@pages.get("/email")
@fresh_factor
async def show_email() -> ResponseTypes:
    """Ask for another address."""
    return await show("account/email.html", ChangeEmailForm(resume.typed()))


@pages.post("/email")
@fresh_factor
@submits(ChangeEmailForm, "account/email.html")
async def submit_email(form: ChangeEmailForm) -> ResponseTypes:
    """Write to the new address, and say the same whether or not it is somebody's."""
    email = given(form.email)
    async with context() as ctx:
        await email_change.request_change(ctx, email=email, password=given(form.current_password))
    await flash(f"Check your email: we've sent a link to {email}. It works for one hour.", "info")
    return redirect(HOME, 303)


@pages.post("/email/cancel")
async def cancel_email() -> ResponseTypes:
    """Keep the address that one has."""
    async with context() as ctx:
        await email_change.cancel_change(ctx)
    await flash("Your email address stays as it is.", "info")
    return redirect(HOME, 303)


@pages.get("/username")
@sensitive
async def show_username() -> ResponseTypes:
    """Ask for another username."""
    require_usernames()
    form = UsernameForm(resume.typed(), data={"username": current_session().username})
    return await show("account/username.html", form)


@pages.post("/username")
@sensitive
@submits(UsernameForm, "account/username.html")
async def submit_username(form: UsernameForm) -> ResponseTypes:
    """Save username."""
    require_usernames()
    async with context() as ctx:
        await account.change_username(ctx, username=given(form.username))
    await flash(f"Username changed to {given(form.username)}.")
    return redirect(HOME, 303)


@pages.get("/sessions")
async def show_sessions() -> str:
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
    if number:
        await flash("You've been signed out everywhere else.")
    else:
        await flash("There's no other session.", "info")
    return redirect(SESSIONS, 303)


@pages.get("/history")
async def show_history() -> str:
    """Show what was done in one's name, and what happened to it."""
    async with context() as ctx:
        found = await account.own_history(ctx, before=request.args.get("before", ""))
    lines = [tell_owner(line, ctx.user_id) for line in found.lines]
    return await render_template("account/history.html", found=found, lines=lines)


@pages.get("/data")
async def show_data() -> str:
    """Offer people what is stored about them, and the way out."""
    return await render_template("account/data.html")


@pages.post("/data")
@sensitive
async def download_data() -> Response:
    """Hand out all that is stored about somebody, a piece at a time."""
    async with context() as ctx:
        await data_download.note_download(ctx)
    name = current_session().username if services().config.has_usernames else "account"
    return streams.file(
        partial(data_download.download, tell=tell_owner),
        name=f"{name}.json",
        kind="application/json",
    )


@pages.get("/delete")
@fresh_factor
async def show_delete() -> ResponseTypes:
    """Say what deleting means, and ask for the password."""
    return await _show_delete(DeleteAccountForm())


async def _show_delete(form: DeleteAccountForm, **how: Any) -> ResponseTypes:
    return await show("account/delete.html", form, days=deletion.GRACE.days, **how)


@pages.post("/delete")
@fresh_factor
@submits(DeleteAccountForm, _show_delete)
async def submit_delete(form: DeleteAccountForm) -> ResponseTypes:
    """Sign somebody out everywhere, and delete the account after the days of grace."""
    async with context() as ctx:
        day = await deletion.request_deletion(ctx, password=given(form.current_password))
    last_day = time_zones.day(day, time_zones.zone(current_session().time_zone))
    logout_user()
    await flash(
        f"Your account will be deleted on {last_day}. To keep it, sign in before then or "
        "use the link we've emailed you.",
        "warning",
    )
    return redirect("/", 303)
