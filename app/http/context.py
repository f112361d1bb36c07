"""The context of a request."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncSession

from app.context import Context
from app.http import known_browser, pending_login
from app.http.client import client
from app.http.current_user import actor, current_user
from app.services import services


@asynccontextmanager
async def context() -> AsyncIterator[Context]:
    """Yield what a flow needs on behalf of who sent this request.

    Raises:
        DatabaseAway: instead of any error that says so.
    """
    async with services().session() as db:
        yield context_of(db)


def context_of(db: AsyncSession) -> Context:
    """Return the context of this request with a database session of one's own."""
    return Context(
        db,
        services().config,
        services().hasher,
        client(),
        actor=actor(),
        session_secret=current_user.auth_id,
        browser=known_browser.name(),
        pending_login=pending_login.secret(),
    )
