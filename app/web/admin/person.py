"""One person: what there is to know, and what can be done."""

from quart import Blueprint, flash, redirect, request
from quart.typing import ResponseTypes
from werkzeug.exceptions import NotFound

from app.flows import access, invitation, people
from app.kit.errors import NoSuchPerson, Refusal
from app.kit.marks import may, sensitive
from app.kit.permissions import Permission
from app.web import sudo
from app.web.admin.forms import BlockForm, EraseForm, RoleForm
from app.web.admin.shared import person_id, uuid
from app.web.context import context
from app.web.fields import HouseForm, given
from app.web.forms import show

pages = Blueprint("admin_person", __name__)


@pages.get("/admin/people/<person>")
@may(Permission.ADMIN)
@sensitive
async def profile(person: str) -> ResponseTypes:
    """Show all about a person."""
    return await _show(person)


@pages.post("/admin/people/<person>/block")
@may(Permission.ADMIN)
@sensitive
async def block(person: str) -> ResponseTypes:
    """Block a person, with a reason."""
    form = BlockForm(await request.form)
    if not form.validate():
        return await _show(person, form, status=422)
    try:
        async with context() as ctx:
            await access.block(ctx, name=person_id(person), reason=given(form.reason) or None)
    except Refusal as refusal:
        return await _show(person, form, refusal=refusal)
    return await _done(person, "Blocked. All their sessions have ended.")


@pages.post("/admin/people/<person>/unblock")
@may(Permission.ADMIN)
@sensitive
async def unblock(person: str) -> ResponseTypes:
    """Let a blocked person in again."""
    try:
        async with context() as ctx:
            await access.unblock(ctx, name=person_id(person))
    except NoSuchPerson:
        raise NotFound from None
    return await _done(person, "Unblocked. They may sign in again.")


@pages.post("/admin/people/<person>/role")
@may(Permission.ADMIN)
@sensitive
async def set_role(person: str) -> ResponseTypes:
    """Give a person a role."""
    form = RoleForm(await request.form)
    async with context() as ctx:
        form.offer(await people.role_names(ctx))
    if not form.validate():
        return await _show(person, form, status=422)
    try:
        async with context() as ctx:
            role = await access.set_role(ctx, name=person_id(person), role_name=form.role.data)
    except Refusal as refusal:
        return await _show(person, form, refusal=refusal)
    return await _done(person, f"The role is now {role}.")


@pages.post("/admin/people/<person>/sessions/end")
@may(Permission.ADMIN)
@sensitive
async def end_sessions(person: str) -> ResponseTypes:
    """End all sessions of a person."""
    try:
        async with context() as ctx:
            ended = await access.end_sessions(ctx, name=person_id(person))
    except NoSuchPerson:
        raise NotFound from None
    return await _done(person, f"Sessions ended: {ended}.")


@pages.post("/admin/people/<person>/sessions/<session_id>/end")
@may(Permission.ADMIN)
@sensitive
async def end_session(person: str, session_id: str) -> ResponseTypes:
    """End one session of a person."""
    try:
        async with context() as ctx:
            ended = await access.end_session(
                ctx, name=person_id(person), session_id=uuid(session_id)
            )
    except NoSuchPerson:
        raise NotFound from None
    if not ended:
        raise NotFound
    return await _done(person, "That session has ended.")


@pages.post("/admin/people/<person>/invite")
@may(Permission.ADMIN)
@sensitive
async def invite(person: str) -> ResponseTypes:
    """Send an invited person a new link; the old one is void."""
    found = await _profile(person)
    try:
        async with context() as ctx:
            await invitation.invite_by_letter(
                ctx, username=found.person.username, email=found.person.email, role_name=None
            )
    except Refusal as refusal:
        return await _show(person, BlockForm(), refusal=refusal)
    return await _done(person, "A new invitation is on its way.")


@pages.post("/admin/people/<person>/reset")
@may(Permission.ADMIN)
@sensitive
async def send_reset(person: str) -> ResponseTypes:
    """Send a person a link on which he chooses a new password; nobody else sees it."""
    try:
        async with context() as ctx:
            await access.send_reset(ctx, name=person_id(person))
    except Refusal as refusal:
        return await _show(person, BlockForm(), refusal=refusal)
    return await _done(person, "The link is on its way.")


@pages.post("/admin/people/<person>/delete")
@may(Permission.ADMIN)
@sensitive
async def delete(person: str) -> ResponseTypes:
    """Erase a person, whose user name was typed."""
    form = EraseForm(await request.form)
    if not form.validate():
        return await _show(person, form, status=422)
    try:
        async with context() as ctx:
            await access.delete(ctx, name=person_id(person), typed=given(form.word))
    except Refusal as refusal:
        return await _show(person, form, refusal=refusal)
    await flash("The account is deleted.")
    return redirect("/admin/people", 303)


async def _profile(person: str) -> people.Profile:
    try:
        async with context() as ctx:
            return await people.show(ctx, name=person_id(person))
    except NoSuchPerson:
        raise NotFound from None


async def _show(
    person: str,
    form: HouseForm | None = None,
    *,
    status: int = 200,
    refusal: Refusal | None = None,
) -> ResponseTypes:
    """Show a person; ``form`` is the one with a complaint."""
    found = await _profile(person)
    typed = sudo.typed() if form is None else None
    role = RoleForm(typed, data={"role": found.person.role})
    async with context() as ctx:
        role.offer(await people.role_names(ctx))
    return await show(
        "admin/person.html",
        form or BlockForm(),
        status=status,
        refusal=refusal,
        found=found,
        block=form if isinstance(form, BlockForm) else BlockForm(typed),
        role=form if isinstance(form, RoleForm) else role,
        erase=form if isinstance(form, EraseForm) else EraseForm(),
    )


async def _done(person: str, words: str) -> ResponseTypes:
    await flash(words)
    return redirect(f"/admin/people/{person}", 303)
