"""People who have to sign in, or show their password again, go on where they were.

What they had typed is there again; passwords are never kept.
"""

import json
import re
from typing import Any
from urllib.parse import urlencode

from quart import current_app, flash, redirect, request, session
from quart.typing import ResponseTypes
from werkzeug.datastructures import MultiDict

from app.http import known_browser
from app.http.csrf import SAFE_METHODS, own_origins
from app.http.current_user import current_session
from app.kit.urls import local_path, quoted_path, wanted_address, wanted_path
from app.services import services

REAUTHENTICATE = "/reauthenticate"
SECURITY = "/account/security"
HOME = "/account"
DOORS = frozenset({"/login", "/login/factor", "/login/factor/lost", "/logout"})
TYPED = "typed"
AGAIN = "again"
TYPED_LONGEST = 1500  # it lives in a cookie, beside messages
NEVER_KEPT = re.compile("pass|pwd|secret|token|^(confirm|ticket|link|next)$", re.IGNORECASE)
SIGNED_OUT = "You were signed out, so nothing was saved. Please sign in to continue."
STILL_THERE = "What you typed is still there, except passwords."


async def reauthenticate_first() -> ResponseTypes:
    """Ask for the password again before a sensitive page, and remember what was typed."""
    if request.method in SAFE_METHODS:
        wanted = _address()
    else:
        wanted = await _interrupt(str(current_session().user_id))
    return redirect(again_for(wanted), 303)


def again_for(wanted: str) -> str:
    """Return where one shows one's password and factor again, for a page."""
    return f"{REAUTHENTICATE}?" + urlencode({"next": wanted}, safe="/")


async def enrol_first(why: str) -> ResponseTypes:
    """Send somebody to where they can set up a second factor, and say why."""
    await flash(why, "warning")
    return redirect(SECURITY, 303)


async def sign_in_first() -> ResponseTypes:
    """Send nobody to the sign-in page; it says why if a form came after its session had ended."""
    if request.method in SAFE_METHODS:
        wanted = local_path(_address())
    else:
        wanted = await _interrupt(known_browser.last_user())
        words = f"{SIGNED_OUT} {STILL_THERE}" if TYPED in session else SIGNED_OUT
        await flash(words, "warning")
    return to_sign_in(wanted)


def to_sign_in(wanted: str | None, *, path: str = "/login") -> ResponseTypes:
    """Send somebody to a page of signing in that leads on to where they wanted to be."""
    query = "?" + urlencode({"next": wanted}, safe="/") if wanted else ""
    return redirect(f"{path}{query}", 303)


async def remind(*, comes_back: bool) -> None:
    """Say to who comes back to a page that its form was not done yet."""
    if session.pop(AGAIN, False) and comes_back:
        await flash(
            "Thank you. Nothing has been saved yet. Please submit the form again.", "warning"
        )


def typed() -> MultiDict[str, str] | None:
    """Return what was typed into this page's form before it had to wait, once.

    It is for who typed it: the user, or, if the session had ended by then, who had signed in
    last in this browser.
    """
    kept: dict[str, Any] | None = session.get(TYPED)
    if kept is None or kept["path"] != quoted_path(request.path, b""):
        return None
    if kept["who"] not in {"", str(current_session().user_id), known_browser.last_user()}:
        return None
    session.pop(TYPED)
    return MultiDict(kept["fields"])


def forget_typed() -> None:
    """Forget what was typed: somebody else may sign in next."""
    session.pop(TYPED, None)
    session.pop(AGAIN, None)


async def _interrupt(who: str) -> str:
    """Keep what was typed into a form for ``who``; return the page that the form is on."""
    fields = await request.form
    if _asks_again(request.path):  # another form waits already
        return page_wanted(fields.get("next"))
    wanted = _page_of_form()
    _keep(who, wanted.split("?")[0], fields)
    return wanted


def _keep(who: str, path: str, fields: MultiDict[str, str]) -> None:
    forget_typed()
    session[AGAIN] = True
    shown = {name: text for name, text in fields.items() if not NEVER_KEPT.search(name)}
    kept = {"who": who, "path": path, "fields": shown}
    if shown and len(json.dumps(kept)) <= TYPED_LONGEST:
        session[TYPED] = kept


def _page_of_form() -> str:
    """Return the page on which a form stands: its own address, or where it was sent from."""
    if current_app.url_map.bind("").test(request.path, method="GET"):
        return _address()
    sent_from = request.headers.get("Referer", "")
    for ours in own_origins():
        if sent_from.startswith(f"{ours}/"):
            return page_wanted(sent_from.removeprefix(ours))
    return HOME


def _address() -> str:
    return quoted_path(request.path, request.query_string)


def next_wanted(text: str | None) -> str | None:
    """Return where to go after signing in: a page of ours or of ``ALLOWED_NEXT``, else None.

    No door itself: who is signed in has nothing to do there.
    """
    address = wanted_address(text, services().config.allowed_next)
    return None if address is None or address.split("?")[0] in DOORS else address


def page_wanted(text: str | None) -> str:
    """Return the page to go on with: one of ours, but not the one that asks for the password."""
    path = wanted_path(text)
    return HOME if path is None or _asks_again(path.split("?")[0]) else path


def _asks_again(path: str) -> bool:
    return path == REAUTHENTICATE or path.startswith(f"{REAUTHENTICATE}/")
