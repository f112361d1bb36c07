"""Everybody's sessions: ending them all."""

from quart import Blueprint, flash, redirect, request
from quart.typing import ResponseTypes

from app.flows import access, login
from app.kit.errors import Refusal, WrongWord
from app.kit.marks import may, sensitive
from app.kit.permissions import Permission
from app.web.admin.forms import WordForm
from app.web.context import context
from app.web.fields import given
from app.web.forms import show

pages = Blueprint("admin_sessions", __name__)

WORD = "everybody"


@pages.get("/admin/sessions")
@may(Permission.ADMIN)
@sensitive
async def sessions() -> ResponseTypes:
    """Say how many there are, and ask for the word."""
    return await _show(WordForm())


@pages.post("/admin/sessions/end")
@may(Permission.ADMIN)
@sensitive
async def end() -> ResponseTypes:
    """End all sessions of everybody, the administrator's own too."""
    form = WordForm(await request.form)
    if not form.validate():
        return await _show(form, status=422)
    if given(form.word) != WORD:
        return await _show(form, refusal=WrongWord(f"Please type the word {WORD}."))
    async with context() as ctx:
        await access.end_sessions_of_everybody(ctx)
    await flash("All sessions have ended, yours too.")
    return redirect("/login", 303)


async def _show(
    form: WordForm, *, status: int = 200, refusal: Refusal | None = None
) -> ResponseTypes:
    async with context() as ctx:
        live = await login.live_sessions(ctx)
    return await show(
        "admin/sessions.html", form, status=status, refusal=refusal, live=live, word=WORD
    )
