"""Showing a form as it was typed, with what is wrong beside it, and taking what it sends."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from quart import make_response, render_template, request
from quart.typing import ResponseTypes

from app.http import scripts
from app.http.kept_links import KeptLink
from app.kit.errors import LinkUnusable, NotPermitted, Refusal, SignedOut, TryLater
from app.web.fields import BaseForm, LinkedForm, errors_of, given

UNAUTHORIZED = 401
SCHEME = 'Form realm="login"'  # RFC 9110 11.6.1 wants a scheme named; ours is the form itself

Page = Callable[..., Awaitable[ResponseTypes]]


async def show(
    template: str,
    form: BaseForm,
    *,
    status: int = 200,
    refusal: Refusal | None = None,
    link: KeptLink | None = None,
    **facts: object,
) -> ResponseTypes:
    """Render a form; a flow's refusal sets the status and stands in the summary of errors.

    What was typed stays, passwords never do. Who may not act any more sees no page of theirs.
    ``link``: that which the form is about, so that it says so when it comes.
    """
    if isinstance(refusal, SignedOut | NotPermitted):
        raise refusal
    if refusal is not None:
        form.take(refusal)
        status = refusal.status
    if link is not None and isinstance(form, LinkedForm):
        form.link.data = link.mark()
    html = await render_template(template, form=form, errors=errors_of(form), **facts)
    response = await make_response(html, status)
    if form.has_password:
        scripts.allow(response)
    if isinstance(refusal, TryLater):
        response.headers["Retry-After"] = str(refusal.retry_after)
    if status == UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = SCHEME
    return response


def submits(
    make: Callable[..., BaseForm], shown: str | Page, *, link: KeptLink | None = None
) -> Callable[[Page], Page]:
    """Make a page of a function that takes a valid form and does what it asks for.

    A form that is not valid, and a refusal, show the page of the form again: ``shown`` is its
    template, or the function that shows it. A form about another link than the one that the
    browser keeps now is refused; that a ``link`` cannot be used has a page of its own.
    """

    def decorate(submit: Page) -> Page:
        @wraps(submit)
        async def page(**parts: Any) -> ResponseTypes:
            form = make(await request.form)

            async def again(**how: Any) -> ResponseTypes:
                if isinstance(shown, str):
                    return await show(shown, form, **how)
                return await shown(form, **parts, **how)

            if link is not None and isinstance(form, LinkedForm):
                another = link.refuse_another(given(form.link))
                if another is not None:
                    return await again(refusal=another)
            if not form.validate():
                return await again(status=422)
            try:
                return await submit(form, **parts)
            except LinkUnusable:
                raise
            except Refusal as refusal:
                return await again(refusal=refusal)

        return page

    return decorate
