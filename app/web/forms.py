"""Showing a form: as it was typed, with what is wrong beside it."""

from quart import make_response, render_template
from quart.typing import ResponseTypes

from app.kit.errors import NotPermitted, Refusal, SignedOut, TryLater
from app.web.fields import HouseForm, errors_of

UNAUTHORIZED = 401
SCHEME = 'Form realm="login"'  # RFC 9110 11.6.1 wants a scheme named; ours is the form itself


async def show(
    template: str,
    form: HouseForm,
    *,
    status: int = 200,
    refusal: Refusal | None = None,
    **facts: object,
) -> ResponseTypes:
    """Render a form; a flow's refusal sets the status and stands in the summary of errors.

    What was typed stays, passwords never do. Who may not act any more sees no page of his.
    """
    if isinstance(refusal, SignedOut | NotPermitted):
        raise refusal
    if refusal is not None:
        form.take(refusal)
        status = refusal.status
    html = await render_template(template, form=form, errors=errors_of(form), **facts)
    response = await make_response(html, status)
    if isinstance(refusal, TryLater):
        response.headers["Retry-After"] = str(refusal.retry_after)
    if status == UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = SCHEME
    return response
