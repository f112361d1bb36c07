"""Sensitive pages ask for the password again when it was shown too long ago ("sudo mode").

After that the person is where he was, with what he had typed; passwords are never kept.
"""

import json
from typing import Any
from urllib.parse import urlencode

from quart import Blueprint, current_app, flash, redirect, request, session
from quart.typing import ResponseTypes
from werkzeug.datastructures import MultiDict

from app.flows import reauth
from app.house import house
from app.kit.errors import Refusal
from app.kit.urls import local_path, quoted_path
from app.web import browsers, current
from app.web.clients import client
from app.web.csrf import SAFE_METHODS
from app.web.fields import SudoForm, given
from app.web.forms import show

pages = Blueprint("sudo", __name__)

DOOR = "/sudo"
HOME = "/account"
TYPED = "typed"
AGAIN = "again"
TYPED_LONGEST = 1500  # it lives in a cookie, beside messages


@pages.get("/sudo")
async def sudo() -> ResponseTypes:
    """Ask for the password."""
    return await show("sudo.html", SudoForm(data={"next": _wanted(request.args.get("next"))}))


@pages.post("/sudo")
async def prove() -> ResponseTypes:
    """Check the password and go on."""
    form = SudoForm(await request.form)
    if not form.validate():
        return await show("sudo.html", form, status=422)
    try:
        async with house().session() as database:
            renewed = await reauth.reauthenticate(
                database,
                config=house().config,
                hasher=house().hasher,
                actor=current.actor(),
                secret=current.secret(),
                password=given(form.password),
                client=client(),
                browser=browsers.name(),
            )
    except Refusal as refusal:
        return await show("sudo.html", form, refusal=refusal)
    current.renew(renewed)
    if session.pop(AGAIN, False):
        await flash("Thank you. Nothing was done yet: please press the button once more.")
    return redirect(_wanted(form.next.data), 303)


async def ask() -> ResponseTypes:
    """Send who wants a sensitive page to the door, and remember what he typed."""
    if request.method in SAFE_METHODS:
        wanted = quoted_path(request.path, request.query_string.decode("latin1"))
    else:
        wanted = _page_of_form()
        _keep(wanted, await request.form)
        session[AGAIN] = True
    return redirect(f"{DOOR}?" + urlencode({"next": wanted}, safe="/"), 303)


def typed() -> MultiDict[str, str] | None:
    """Return what was typed into this page's form before the password was asked for, once."""
    kept: dict[str, Any] = session.get(TYPED) or {}
    if (kept.get("who"), kept.get("path")) != (str(current.person().user_id), request.path):
        return None
    session.pop(TYPED)
    return MultiDict(kept["fields"])


def forget_typed() -> None:
    """Forget what was typed: somebody else may sign in next."""
    session.pop(TYPED, None)
    session.pop(AGAIN, None)


def _keep(path: str, fields: MultiDict[str, str]) -> None:
    shown = {
        name: text for name, text in fields.items() if "password" not in name and name != "confirm"
    }
    if shown and len(json.dumps(shown)) <= TYPED_LONGEST:
        who = str(current.person().user_id)
        session[TYPED] = {"who": who, "path": path, "fields": shown}


def _page_of_form() -> str:
    """Return the page on which a form stands: its own address, or where it was sent from."""
    if current_app.url_map.bind("").test(request.path, method="GET"):
        return request.path
    ours = house().config.public_url
    sent_from = request.headers.get("Referer", "")
    return _wanted(sent_from.removeprefix(ours)) if sent_from.startswith(f"{ours}/") else HOME


def _wanted(text: str | None) -> str:
    path = local_path(text)
    return HOME if path is None or path.split("?")[0] == DOOR else path
