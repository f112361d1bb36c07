"""One person: what there is to know, and what can be done."""

from quart import Blueprint, flash, redirect, request
from quart.typing import ResponseTypes
from werkzeug.exceptions import NotFound

from app.flows import access, invitation, people
from app.house import house
from app.kit.errors import NoSuchPerson, Refusal
from app.kit.marks import may, sensitive
from app.kit.permissions import Permission
from app.web import sudo
from app.web.admin.forms import BlockForm, EraseForm, RoleForm
from app.web.admin.shared import person_id, uuid
from app.web.clients import client
from app.web.current import actor
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
        async with house().session() as session:
            await access.block(
                session,
                name=person_id(person),
                reason=given(form.reason) or None,
                client=client(),
                actor=actor(),
            )
    except Refusal as refusal:
        return await _show(person, form, refusal=refusal)
    return await _done(person, "Blocked. All their sessions have ended.")


@pages.post("/admin/people/<person>/unblock")
@may(Permission.ADMIN)
@sensitive
async def unblock(person: str) -> ResponseTypes:
    """Let a blocked person in again."""
    try:
        async with house().session() as session:
            await access.unblock(session, name=person_id(person), client=client(), actor=actor())
    except NoSuchPerson:
        raise NotFound from None
    return await _done(person, "Unblocked. They may sign in again.")


@pages.post("/admin/people/<person>/role")
@may(Permission.ADMIN)
@sensitive
async def set_role(person: str) -> ResponseTypes:
    """Give a person a role."""
    form = RoleForm(await request.form)
    async with house().session() as session:
        form.offer(await people.role_names(session))
    if not form.validate():
        return await _show(person, form, status=422)
    try:
        async with house().session() as session:
            role = await access.set_role(
                session,
                name=person_id(person),
                role_name=form.role.data,
                client=client(),
                actor=actor(),
            )
    except Refusal as refusal:
        return await _show(person, form, refusal=refusal)
    return await _done(person, f"The role is now {role}.")


@pages.post("/admin/people/<person>/sessions/end")
@may(Permission.ADMIN)
@sensitive
async def end_sessions(person: str) -> ResponseTypes:
    """End all sessions of a person."""
    try:
        async with house().session() as session:
            ended = await access.end_sessions(
                session, name=person_id(person), client=client(), actor=actor()
            )
    except NoSuchPerson:
        raise NotFound from None
    return await _done(person, f"Sessions ended: {ended}.")


@pages.post("/admin/people/<person>/sessions/<session_id>/end")
@may(Permission.ADMIN)
@sensitive
async def end_session(person: str, session_id: str) -> ResponseTypes:
    """End one session of a person."""
    try:
        async with house().session() as session:
            ended = await access.end_session(
                session,
                name=person_id(person),
                session_id=uuid(session_id),
                client=client(),
                actor=actor(),
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
        async with house().session() as session:
            await invitation.invite_by_letter(
                session,
                config=house().config,
                username=found.person.username,
                email=found.person.email,
                role_name=None,
                client=client(),
                actor=actor(),
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
        async with house().session() as session:
            await access.send_reset(
                session,
                config=house().config,
                name=person_id(person),
                client=client(),
                actor=actor(),
            )
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
        async with house().session() as session:
            await access.delete(
                session,
                name=person_id(person),
                typed=given(form.word),
                client=client(),
                actor=actor(),
            )
    except Refusal as refusal:
        return await _show(person, form, refusal=refusal)
    await flash("The account is deleted.")
    return redirect("/admin/people", 303)


async def _profile(person: str) -> people.Profile:
    try:
        async with house().session() as session:
            return await people.show(session, config=house().config, name=person_id(person))
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
    async with house().session() as session:
        role.offer(await people.role_names(session))
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
