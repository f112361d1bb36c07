"""Sensitive pages ask for the password again when it was shown too long ago ("sudo mode")."""

from quart import Blueprint, redirect, request
from quart.typing import ResponseTypes

from app.flows import reauthentication
from app.http import resume
from app.http.context import context
from app.http.current_user import current_session, renew
from app.web.fields import ReauthenticationForm, given
from app.web.forms import show, submits

pages = Blueprint("reauthentication", __name__)


@pages.get("/reauthenticate")
async def show_reauthentication() -> ResponseTypes:
    """Ask for the password, unless it was shown just now, to sign in."""
    wanted = resume.page_wanted(request.args.get("next"))
    if current_session().is_fresh:
        return redirect(wanted, 303)
    return await show("reauthenticate.html", ReauthenticationForm(data={"next": wanted}))


@pages.post("/reauthenticate")
@submits(ReauthenticationForm, "reauthenticate.html")
async def submit_reauthentication(form: ReauthenticationForm) -> ResponseTypes:
    """Check the password and go on."""
    async with context() as ctx:
        renewed = await reauthentication.reauthenticate(ctx, password=given(form.password))
    renew(renewed)
    await resume.remind(comes_back=True)
    return redirect(resume.page_wanted(form.next.data), 303)
