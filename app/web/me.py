"""Who is signed in, for the scripts of a site's own pages."""

from typing import Any

from quart import Blueprint

from app.flows import profile
from app.http.context import context
from app.http.current_user import current_session
from app.http.marks import takes_token
from app.kit.permissions import covers
from app.web.names import called

pages = Blueprint("me", __name__, url_prefix="/api")


@pages.get("/me")
@takes_token
async def show_me() -> dict[str, Any]:
    """Return who one is and what one may do, as JSON; 401 if nobody is signed in, by token too."""
    session = current_session()
    async with context() as ctx:
        told = await profile.own(ctx) if ctx.site.profile else {}
        names = ctx.site.permissions
    return {
        "id": str(session.user_id),
        "username": called(session),
        "email": session.email,
        "role": session.role,
        "permissions": [name for name, bit in names.items() if covers(session.permissions, bit)],
        "profile": told,
    }
