"""The second step of signing in."""

from typing import Any

from quart import Blueprint, make_response, redirect, render_template, request
from quart.typing import ResponseTypes
from quart_auth import current_user, login_user

from app.flows import factor_login, lost_factor
from app.http import known_browser, pending_login, resume
from app.http.access import anyone
from app.http.context import context
from app.http.current_user import CurrentUser
from app.kit.factor_errors import LoginExpired
from app.services import services
from app.web import passkeys
from app.web.factor_fields import AnswerForm, CodeForm
from app.web.fields import BaseForm, LoginForm, given
from app.web.forms import show, submits

pages = Blueprint("factor_login", __name__, url_prefix="/login/factor")


@pages.get("")
@anyone
async def show_factor() -> ResponseTypes:
    """Ask for a second factor."""
    return await _show(CodeForm(data={"next": resume.next_wanted(request.args.get("next"))}))


async def _show(form: CodeForm | AnswerForm, **how: Any) -> ResponseTypes:
    try:
        async with context() as ctx:
            waiting = await factor_login.who(ctx)
            can = passkeys.has_name()
            options = await factor_login.passkey_options(ctx, waiting) if can else None
    except LoginExpired as refusal:
        return await start_over(refusal)
    if isinstance(form, AnswerForm):
        shown = CodeForm(data={"next": form.next.data, "trust": form.trust.data})
        shown.form_errors = [*form.form_errors, *form.answer.errors]
        form = shown
    how |= {"waiting": waiting, "options": options, "trust_days": services().config.trust_days}
    response = await show("factor.html", form, **how)
    return passkeys.with_script(response) if options else response


@pages.post("")
@anyone
@submits(CodeForm, _show)
async def submit_code(form: CodeForm) -> ResponseTypes:
    """Sign in by a code."""
    async with context() as ctx:
        done = await factor_login.sign_in_by_code(
            ctx, code=given(form.code), trusts=form.trust.data
        )
    return await signed_in(done, form.next.data)


@pages.post("/passkey")
@anyone
@submits(AnswerForm, _show)
async def submit_passkey(form: AnswerForm) -> ResponseTypes:
    """Sign in by a passkey as second factor."""
    async with context() as ctx:
        done = await factor_login.sign_in_by_passkey(
            ctx, answer=given(form.answer), trusts=form.trust.data
        )
    return await signed_in(done, form.next.data)


@pages.get("/lost")
@anyone
async def show_lost() -> ResponseTypes:
    """Say what can be done about a lost factor."""
    return await _show_lost(BaseForm())


async def _show_lost(form: BaseForm, **how: Any) -> ResponseTypes:
    try:
        async with context() as ctx:
            await factor_login.who(ctx)
    except LoginExpired as refusal:
        return await start_over(refusal)
    return await show("factor_lost.html", form, days=services().config.factor_reset_days, **how)


@pages.post("/lost")
@anyone
@submits(BaseForm, _show_lost)
async def submit_lost(_form: BaseForm) -> ResponseTypes:
    """Send the link on which the wait begins."""
    async with context() as ctx:
        await lost_factor.ask(ctx)
    return await make_response(await render_template("factor_lost_sent.html"))


async def start_over(refusal: LoginExpired) -> ResponseTypes:
    """Show the sign-in form again to whom has nothing to finish."""
    if await current_user.is_authenticated:
        return redirect(services().config.home, 303)
    form = LoginForm(data={"next": resume.next_wanted(request.args.get("next"))})
    return pending_login.forget(
        await show(
            "login.html",
            form,
            refusal=refusal,
            options=None,
            elsewhere=None,
            offers_by_itself=False,
        )
    )


async def signed_in(done: factor_login.SignedIn, wanted: str | None) -> ResponseTypes:
    """Let the browser keep what it got, and go on."""
    login_user(CurrentUser(done.secret), remember=done.remembered)
    wanted = resume.next_wanted(wanted)
    await resume.remind(comes_back=wanted is not None)
    response = known_browser.keep(redirect(wanted or services().config.home, 303), done.browser)
    return pending_login.forget(response)
