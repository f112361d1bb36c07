"""The home page."""

from quart import Blueprint, redirect, render_template
from quart.typing import ResponseTypes

from app.http.access import anyone

pages = Blueprint("home", __name__)


@pages.get("/")
@anyone
async def index() -> str:
    """Say what this is, or greet who is signed in."""
    return await render_template("home.html")


@pages.get("/.well-known/change-password")
@anyone
async def change_password() -> ResponseTypes:
    """Lead password managers to the page (https://www.w3.org/TR/change-password-url/)."""
    return redirect("/account/password", 303)
