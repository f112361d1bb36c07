"""Which pages may run our own scripts: they send a policy of their own."""

from quart.typing import ResponseTypes

from app.http import headers
from app.services import services


def allow(response: ResponseTypes) -> ResponseTypes:
    """Let a page run scripts of our own, from our own files."""
    response.headers["Content-Security-Policy"] = headers.policy(
        other_origins=services().config.other_origins, with_script=True
    )
    return response
