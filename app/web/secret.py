"""A guarded page. Put your own beside it: without ``@anyone`` a page demands a login."""

from quart import Blueprint, render_template

pages = Blueprint("secret", __name__)


@pages.get("/secret")
async def secret() -> str:
    """Tell the secret to who is signed in."""
    return await render_template("secret.html")
