"""The login's page between an application and itself."""

from quart import Blueprint, make_response, render_template, request, session
from quart.typing import ResponseTypes

from app.flows import gate
from app.http import resume
from app.http.access import FACTOR_WANTED
from app.http.context import context
from app.http.current_user import current_session
from app.kit.gate_errors import GateExpired

pages = Blueprint("gate", __name__)

BEGUN_AGAIN = "begun-again"


@pages.get("/gate")
async def show_gate() -> ResponseTypes:
    """Send who is signed in on to the application that they came from.

    By a page: after the form of a sign-in the browser would block a redirect to another origin.
    """
    sealed, shows_factor = request.args.get("state", ""), current_session().shows_factor
    try:
        async with context() as ctx:
            admitted = await gate.admit(ctx, sealed=sealed, shows_factor=shows_factor)
    except GateExpired:
        return await _begin_again(sealed)
    session.pop(BEGUN_AGAIN, None)
    if admitted.wants_factor and not current_session().factors:
        return await resume.enrol_first(FACTOR_WANTED)
    if admitted.wants_factor:
        return await resume.reauthenticate_first()
    return await _to_site(admitted)


async def _begin_again(sealed: str) -> ResponseTypes:
    """Let who came late, over an email, begin anew at the site; but once, or it would go on."""
    if session.pop(BEGUN_AGAIN, False):
        raise GateExpired
    async with context() as ctx:
        late = await gate.begin_again(ctx, sealed=sealed)
    session[BEGUN_AGAIN] = True
    return await _to_site(late)


async def _to_site(admitted: gate.Admitted) -> ResponseTypes:
    html = await render_template("gate.html", to=admitted.site, url=admitted.url)
    response = await make_response(html)
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
