"""Whether this process lives, and whether it can do its work."""

from functools import lru_cache

from quart import Blueprint, Response

from app import schema
from app.db_errors import is_away
from app.http.marks import anyone
from app.services import is_draining, services
from app.site import load

pages = Blueprint("health", __name__, url_prefix="/health")


@pages.get("/live")
@anyone
async def live() -> Response:
    """Answer as long as the event loop turns; asks nobody."""
    return _say("ok", 200)


@pages.get("/ready")
@anyone
async def ready() -> Response:
    """Answer 200 when the database is reached, its schema is ours, and we are not about to stop.

    A schema that is newer than ours is well too: during an upgrade the old servers go on until the
    new ones are there.
    """
    if is_draining():
        return _say("shutting down", 503)
    try:
        revisions = await schema.revisions(services().engine)
    except Exception as error:
        if not is_away(error):
            raise
        return _say("the database isn't available", 503)
    if _is_behind(revisions, services().config.site):
        return _say("the database schema is out of date: run migrate", 503)
    return _say("ok", 200)


@lru_cache(maxsize=4)
def _is_behind(revisions: frozenset[str], site: str | None) -> bool:
    return schema.is_behind(revisions, load(site))


def _say(text: str, status: int) -> Response:
    return Response(f"{text}\n", status, content_type="text/plain; charset=utf-8")
