"""Whether this process lives, and whether it can do its work."""

from functools import lru_cache

from quart import Blueprint, Response

from app import schema
from app.db import is_away
from app.house import house, is_leaving
from app.kit.marks import anyone

pages = Blueprint("health", __name__, url_prefix="/health")


@pages.get("/live")
@anyone
async def live() -> Response:
    """Answer as long as the event loop turns; asks nobody."""
    return _say("ok", 200)


@pages.get("/ready")
@anyone
async def ready() -> Response:
    """Answer 200 when the database is reached, its schema is ours, and we are not about to stop."""
    if is_leaving():
        return _say("about to stop", 503)
    try:
        revision = await schema.revision(house().engine)
    except Exception as error:
        if not is_away(error):
            raise
        return _say("the database is away", 503)
    if revision != _head():
        return _say("the database's schema is not at head: run migrate", 503)
    return _say("ok", 200)


@lru_cache(maxsize=1)
def _head() -> str | None:
    return schema.head()


def _say(text: str, status: int) -> Response:
    return Response(f"{text}\n", status, content_type="text/plain; charset=utf-8")
