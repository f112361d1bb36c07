"""The login's page between an application and itself."""

from quart import Blueprint, make_response, render_template, request
from quart.typing import ResponseTypes

from app.flows import gate
from app.http import resume
from app.http.access import FACTOR_WANTED
from app.http.context import context
from app.http.current_user import current_session

pages = Blueprint("gate", __name__)


@pages.get("/gate")
async def show_gate() -> ResponseTypes:
    """Send who is signed in on to the application that they came from.

    By a page: after the form of a sign-in the browser would block a redirect to another origin.
    """
    session = current_session()
    async with context() as ctx:
        admitted = await gate.admit(
            ctx, sealed=request.args.get("state", ""), shows_factor=session.shows_factor
        )
    if admitted.wants_factor and not session.factors:
        return await resume.enrol_first(FACTOR_WANTED)
    if admitted.wants_factor:
        return await resume.reauthenticate_first()
    html = await render_template("gate.html", to=admitted.site, url=admitted.url)
    response = await make_response(html)
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
