"""The home page."""

from quart import Blueprint, render_template

from app.web.guards import anyone

pages = Blueprint("home", __name__)


@pages.get("/")
@anyone
async def index() -> str:
    """Say what this is, or greet who is signed in."""
    return await render_template("home.html")
