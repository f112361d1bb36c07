"""One user: what there is to know, and what can be done."""

from typing import Any
from uuid import UUID

from quart import Blueprint, flash, redirect
from quart.typing import ResponseTypes
from werkzeug.exceptions import NotFound

from app.flows import (
    access,
    api_tokens,
    invitation,
    lost_factor,
    profile,
    user_changes,
    user_search,
)
from app.http import resume
from app.http.context import context
from app.http.marks import may, sensitive
from app.kit.permissions import Permission
from app.web.admin.forms import BlockForm, DeleteUserForm, FactorResetForm, RoleForm
from app.web.admin.shared import user_id, uuid
from app.web.admin.user_forms import NewEmailForm, NewUsernameForm, NoteForm
from app.web.fields import BaseForm, given
from app.web.forms import show, submits
from app.web.names import require_usernames
from app.web.profile_fields import typed_values, values_of, with_profile

pages = Blueprint("admin_user", __name__, url_prefix="/admin/users/<user>")
LARGEST = 2**63 - 1  # id of a note
PROFILE = with_profile(BaseForm, None)


@pages.get("")
@may(Permission.ADMIN)
@sensitive
async def show_user(user: str) -> ResponseTypes:
    """Show all about a user."""
    return await _show(None, user=user)


async def _show(form: BaseForm | None, *, user: str, **how: Any) -> ResponseTypes:
    """Show a user; ``form`` is the one with a complaint."""
    found = await _profile(user)
    async with context() as ctx:
        tokens = await api_tokens.tokens_of(ctx, name=user_id(user))
    typed = resume.typed() if form is None else None
    return await show(
        "admin/user.html",
        form or BlockForm(),
        found=found,
        tokens=tokens,
        block=form if isinstance(form, BlockForm) else BlockForm(typed),
        factor_reset=form if isinstance(form, FactorResetForm) else FactorResetForm(typed),
        role=await _offered(
            form if isinstance(form, RoleForm) else RoleForm(typed, data={"role": found.user.role})
        ),
        new_username=form if isinstance(form, NewUsernameForm) else NewUsernameForm(typed),
        new_email=form if isinstance(form, NewEmailForm) else NewEmailForm(typed),
        note=form if isinstance(form, NoteForm) else NoteForm(typed),
        delete=form if isinstance(form, DeleteUserForm) else DeleteUserForm(),
        profile=form if form and form.profile else PROFILE(typed, data=typed_values(found.profile)),
        **how,
    )


async def _offered(form: RoleForm) -> RoleForm:
    async with context() as ctx:
        form.offer(await user_search.role_names(ctx))
    return form


@pages.post("/block")
@may(Permission.ADMIN)
@sensitive
@submits(BlockForm, _show)
async def block(form: BlockForm, user: str) -> ResponseTypes:
    """Block a user, with a reason."""
    async with context() as ctx:
        await access.block(ctx, name=user_id(user), reason=given(form.reason) or None)
    return await _done(user, "Blocked. All their sessions have ended.")


@pages.post("/profile")
@may(Permission.ADMIN)
@sensitive
@submits(PROFILE, _show)
async def change_profile(form: BaseForm, user: str) -> ResponseTypes:
    """Save what is known of a user in the site's own fields."""
    async with context() as ctx:
        await profile.change(ctx, name=user_id(user), values=values_of(form))
    return await _done(user, "Profile saved.")


@pages.post("/username")
@may(Permission.ADMIN)
@sensitive
@submits(NewUsernameForm, _show)
async def set_username(form: NewUsernameForm, user: str) -> ResponseTypes:
    """Give a user another username."""
    require_usernames()
    async with context() as ctx:
        await user_changes.set_username(ctx, name=user_id(user), username=given(form.username))
    return await _done(user, f"Username changed to {given(form.username)}.")


@pages.post("/email")
@may(Permission.ADMIN)
@sensitive
@submits(NewEmailForm, _show)
async def set_email(form: NewEmailForm, user: str) -> ResponseTypes:
    """Give a user another address."""
    email = given(form.email)
    async with context() as ctx:
        is_set = await user_changes.set_email(ctx, name=user_id(user), email=email)
    asked = f"We've sent a link to {email}. The address changes once they use it."
    changed = f"Address changed to {email}. The invitation was sent there."
    return await _done(user, changed if is_set else asked)


@pages.post("/notes")
@may(Permission.ADMIN)
@sensitive
@submits(NoteForm, _show)
async def add_note(form: NoteForm, user: str) -> ResponseTypes:
    """Note something about a user."""
    async with context() as ctx:
        await user_changes.add_note(ctx, name=user_id(user), words=given(form.note))
    return await _done(user, "Note saved.")


@pages.post("/notes/<int:note_id>/remove")
@may(Permission.ADMIN)
@sensitive
async def remove_note(user: str, note_id: int) -> ResponseTypes:
    """Remove a note about a user."""
    async with context() as ctx:
        await user_changes.remove_note(ctx, name=user_id(user), note_id=min(note_id, LARGEST))
    return await _done(user, "Note removed.")


@pages.post("/unblock")
@may(Permission.ADMIN)
@sensitive
async def unblock(user: str) -> ResponseTypes:
    """Let a blocked user in again."""
    async with context() as ctx:
        await access.unblock(ctx, name=user_id(user))
    return await _done(user, "Unblocked. They can sign in again.")


@pages.post("/role")
@may(Permission.ADMIN)
@sensitive
@submits(RoleForm, _show)
async def set_role(form: RoleForm, user: str) -> ResponseTypes:
    """Give a user a role."""
    async with context() as ctx:
        role = await access.set_role(ctx, name=user_id(user), role_name=form.role.data)
    return await _done(user, f"Role changed to {role}.")


@pages.post("/sessions/end")
@may(Permission.ADMIN)
@sensitive
async def end_sessions(user: str) -> ResponseTypes:
    """End all sessions of a user."""
    async with context() as ctx:
        ended = await access.end_sessions(ctx, name=user_id(user))
    return await _done(user, f"Sessions ended: {ended}.")


@pages.post("/sessions/<session_id>/end")
@may(Permission.ADMIN)
@sensitive
async def end_session(user: str, session_id: str) -> ResponseTypes:
    """End one session of a user."""
    async with context() as ctx:
        found = await access.end_session(ctx, name=user_id(user), session_id=uuid(session_id))
    if not found:
        raise NotFound
    return await _done(user, "That session has ended.")


@pages.post("/tokens/<uuid:token_id>/revoke")
@may(Permission.ADMIN)
@sensitive
async def revoke_token(user: str, token_id: UUID) -> ResponseTypes:
    """End a token of a user."""
    async with context() as ctx:
        await api_tokens.revoke(ctx, token_id=token_id, user=user_id(user))
    return await _done(user, "The token is revoked.")


@pages.post("/invite")
@may(Permission.ADMIN)
@sensitive
@submits(BaseForm, _show)
async def invite(_form: BaseForm, user: str) -> ResponseTypes:
    """Send an invited user a new link; the old one is void."""
    known = (await _profile(user)).user
    async with context() as ctx:
        await invitation.invite_by_email(
            ctx, username=known.username, email=known.email, role_name=None
        )
    return await _done(user, "A new invitation is on its way.")


@pages.post("/reset")
@may(Permission.ADMIN)
@sensitive
@submits(BaseForm, _show)
async def send_reset(_form: BaseForm, user: str) -> ResponseTypes:
    """Send a user a link on which they choose a new password; nobody else sees it."""
    async with context() as ctx:
        await access.send_reset(ctx, name=user_id(user))
    return await _done(user, "The password reset link is on its way.")


@pages.post("/factors/remove")
@may(Permission.ADMIN)
@sensitive
@submits(FactorResetForm, _show)
async def remove_factors(form: FactorResetForm, user: str) -> ResponseTypes:
    """Remove a user's second factors, with a reason."""
    async with context() as ctx:
        done = await lost_factor.remove(ctx, name=user_id(user), reason=given(form.factor_reason))
    words = "Second factors removed. They've been signed out and told by email."
    return await _done(user, words if done else "They have no second factor.")


@pages.post("/delete")
@may(Permission.ADMIN)
@sensitive
@submits(DeleteUserForm, _show)
async def delete(form: DeleteUserForm, user: str) -> ResponseTypes:
    """Delete a user, whose username was typed."""
    async with context() as ctx:
        await access.delete(ctx, name=user_id(user), typed=given(form.word))
    await flash("The account is deleted.")
    return redirect("/admin/users", 303)


async def _profile(user: str) -> user_search.Profile:
    async with context() as ctx:
        return await user_search.show(ctx, name=user_id(user))


async def _done(user: str, words: str) -> ResponseTypes:
    await flash(words)
    return redirect(f"/admin/users/{user}", 303)
