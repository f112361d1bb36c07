"""The home page."""

from datetime import UTC, datetime, timedelta

from quart import Blueprint, Response, redirect, render_template
from quart.typing import ResponseTypes
from werkzeug.exceptions import NotFound

from app.http.access import anyone
from app.services import services

pages = Blueprint("home", __name__)

SECURITY_TXT_DAYS = 180  # less than a year, says RFC 9116 2.5.5


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


@pages.get("/.well-known/security.txt")
@anyone
async def security_txt() -> Response:
    """Say where to report holes (https://www.rfc-editor.org/rfc/rfc9116)."""
    config = services().config
    if config.security_contact is None:
        raise NotFound
    until = datetime.now(UTC) + timedelta(days=SECURITY_TXT_DAYS)
    lines = (
        f"Contact: {config.security_contact}",
        f"Expires: {until:%Y-%m-%dT00:00:00Z}",
        f"Canonical: {config.public_url}/.well-known/security.txt",
        "Preferred-Languages: en",
    )
    return Response("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")
