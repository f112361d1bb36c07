"""Files that are sent a piece at a time, for as long as it takes."""

import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from quart import Response

from app.context import Context
from app.http.context import context_of
from app.kit.errors import Refusal
from app.services import services

log = logging.getLogger(__name__)

Pieces = Callable[[Context], AsyncGenerator[str, None]]


def file(pieces: Pieces, *, name: str, kind: str) -> Response:
    """Answer with a file. Where its reader may read no further, the connection breaks off."""
    response = Response(
        _pieces(context_of(services().sessions()), pieces), content_type=f"{kind}; charset=utf-8"
    )
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.timeout = None  # as long as it takes; nothing is held meanwhile
    return response


async def _pieces(ctx: Context, pieces: Pieces) -> AsyncGenerator[str, None]:
    """Yield the file; after the page has returned there is no request to ask any more."""
    async with ctx.db, aclosing(pieces(ctx)) as some:
        try:
            async for piece in some:
                yield piece
        except Refusal as refusal:
            log.warning("a file was broken off: %s", refusal.code)
            raise ConnectionAbortedError from refusal  # so that nobody takes it for whole
