"""Everybody's sessions: ending them all."""

from typing import Any

from quart import Blueprint, flash, redirect
from quart.typing import ResponseTypes

from app.flows import access, login
from app.http.context import context
from app.http.marks import may, sensitive
from app.kit.permissions import Permission
from app.web.admin.forms import EVERYBODY, EverybodyForm
from app.web.forms import show, submits

pages = Blueprint("admin_sessions", __name__)


@pages.get("/admin/sessions")
@may(Permission.ADMIN)
@sensitive
async def show_sessions() -> ResponseTypes:
    """Say how many there are, and ask for the word."""
    return await _show(EverybodyForm())


async def _show(form: EverybodyForm, **how: Any) -> ResponseTypes:
    async with context() as ctx:
        live = await login.live_sessions(ctx)
    return await show("admin/sessions.html", form, live=live, word=EVERYBODY, **how)


@pages.post("/admin/sessions/end")
@may(Permission.ADMIN)
@sensitive
@submits(EverybodyForm, _show)
async def end_all(_form: EverybodyForm) -> ResponseTypes:
    """End all sessions of everybody, the administrator's own too."""
    async with context() as ctx:
        await access.end_sessions_of_everybody(ctx)
    await flash("All sessions have ended, including yours.")
    return redirect("/login", 303)
