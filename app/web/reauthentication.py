"""Sensitive pages ask again for the password, and for the second factor ("sudo mode")."""

from typing import Any

from quart import Blueprint, redirect, request
from quart.typing import ResponseTypes

from app.flows import reauthentication
from app.http import resume
from app.http.context import context
from app.http.current_user import current_session, renew
from app.http.marks import enrolment
from app.kit.factors import Factor
from app.web import passkeys
from app.web.factor_fields import AnswerForm, CodeForm
from app.web.fields import ReauthenticationForm, given
from app.web.forms import show, submits

pages = Blueprint("reauthentication", __name__, url_prefix="/reauthenticate")


@pages.get("")
@enrolment
async def show_reauthentication() -> ResponseTypes:
    """Ask for what was shown too long ago, unless nothing was."""
    wanted, session = resume.page_wanted(request.args.get("next")), current_session()
    if not session.is_fresh:
        return await show("reauthenticate.html", ReauthenticationForm(data={"next": wanted}))
    if not session.is_factor_fresh:
        return await _show_factor(CodeForm(data={"next": wanted}))
    await resume.remind(comes_back=True)
    return redirect(wanted, 303)


@pages.post("")
@enrolment
@submits(ReauthenticationForm, "reauthenticate.html")
async def submit_reauthentication(form: ReauthenticationForm) -> ResponseTypes:
    """Check the password and go on."""
    is_done = current_session().is_factor_fresh
    async with context() as ctx:
        renew(await reauthentication.reauthenticate(ctx, password=given(form.password)))
    return await _go_on(form.next.data, is_done=is_done)


@pages.get("/factor")
@enrolment
async def show_factor() -> ResponseTypes:
    """Ask for the factor first: a passkey may stand for the password too."""
    return await _show_factor(CodeForm(data={"next": request.args.get("next")}))


async def _show_factor(form: CodeForm | AnswerForm, **how: Any) -> ResponseTypes:
    wanted = resume.page_wanted(form.next.data)
    async with context() as ctx:
        options = await reauthentication.passkey_options(ctx) if passkeys.has_name() else None
    shown = form if isinstance(form, CodeForm) else CodeForm()
    if shown is not form:
        shown.form_errors = [*form.form_errors, *form["answer"].errors]
    shown.next.data = wanted
    how["has_app"] = Factor.APP in Factor(current_session().factors)
    response = await show("reauthenticate_factor.html", shown, options=options, **how)
    return passkeys.with_script(response) if options else response


@pages.post("/factor")
@enrolment
@submits(CodeForm, _show_factor)
async def submit_code(form: CodeForm) -> ResponseTypes:
    """Check a code and go on."""
    is_done = current_session().is_fresh
    async with context() as ctx:
        renew(await reauthentication.reauthenticate_by_code(ctx, code=given(form.code)))
    return await _go_on(form.next.data, is_done=is_done)


@pages.post("/passkey")
@enrolment
@submits(AnswerForm, _show_factor)
async def submit_passkey(form: AnswerForm) -> ResponseTypes:
    """Check a passkey and go on."""
    async with context() as ctx:
        renew(await reauthentication.reauthenticate_by_passkey(ctx, answer=given(form.answer)))
    return await _go_on(form.next.data, is_done=False)


async def _go_on(wanted: str | None, *, is_done: bool) -> ResponseTypes:
    """Go to the page that was asked for, or by way of what it wants shown besides."""
    wanted = resume.page_wanted(wanted)
    if not is_done:
        return redirect(resume.again_for(wanted), 303)
    await resume.remind(comes_back=True)
    return redirect(wanted, 303)
