"""Groups of users."""

from typing import Any

from quart import Blueprint, flash, redirect
from quart.typing import ResponseTypes
from wtforms import StringField
from wtforms.validators import InputRequired

from app.flows import groups
from app.http.context import context
from app.http.marks import may, sensitive
from app.kit.addresses import EMAIL_LONGEST
from app.kit.errors import NoSuchUser, Refusal
from app.kit.permissions import Permission
from app.web.admin.shared import argument, user_id
from app.web.fields import BaseForm, as_meant, at_most, given
from app.web.forms import show, submits

pages = Blueprint("admin_groups", __name__)

HOME = "/admin/groups"
PLAIN = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}


class GroupForm(BaseForm):
    """A new group."""

    name = StringField(
        "Name",
        [InputRequired("Enter a name."), at_most(64, "Use at most 64 characters.")],
        [as_meant],
        description="Letters, digits, dots, hyphens and underscores. Sites get it as it is.",
        render_kw=PLAIN,
    )


class MemberForm(BaseForm):
    """Who comes into a group."""

    user = StringField(
        "Username or email",
        [InputRequired("Enter a username or an email."), at_most(EMAIL_LONGEST, "Too long.")],
        [as_meant],
        render_kw=PLAIN,
    )


@pages.get("/admin/groups")
@may(Permission.ADMIN)
@sensitive
async def show_groups() -> ResponseTypes:
    """Show all groups, and offer to make one."""
    return await _show_all(GroupForm())


async def _show_all(form: GroupForm, **how: Any) -> ResponseTypes:
    async with context() as ctx:
        found = await groups.everything(ctx)
    return await show("admin/groups.html", form, found=found, **how)


@pages.post("/admin/groups")
@may(Permission.ADMIN)
@sensitive
@submits(GroupForm, _show_all)
async def create_group(form: GroupForm) -> ResponseTypes:
    """Make a group."""
    async with context() as ctx:
        await groups.create(ctx, name=given(form.name))
    await flash("Group created.")
    return redirect(f"{HOME}/{given(form.name)}", 303)


@pages.get("/admin/groups/<name>")
@may(Permission.ADMIN)
@sensitive
async def show_group(name: str) -> ResponseTypes:
    """Show who is in a group."""
    return await _show_one(MemberForm(), name=name)


async def _show_one(form: MemberForm, *, name: str, **how: Any) -> ResponseTypes:
    refusal: Refusal | None = how.get("refusal")
    if isinstance(refusal, NoSuchUser):
        refusal.field = "user"
    async with context() as ctx:
        found = await groups.members(ctx, name=name, after=argument("after"))
    shown = found[: groups.MEMBERS_PAGE]
    following = shown[-1].username if len(found) > len(shown) else None
    return await show("admin/group.html", form, name=name, found=shown, next=following, **how)


@pages.post("/admin/groups/<name>/add")
@may(Permission.ADMIN)
@sensitive
@submits(MemberForm, _show_one)
async def add_member(form: MemberForm, name: str) -> ResponseTypes:
    """Put a user into a group."""
    async with context() as ctx:
        await groups.add_user(ctx, name=name, user=given(form.user))
    await flash("Added. It takes effect on their next request.")
    return redirect(f"{HOME}/{name}", 303)


@pages.post("/admin/groups/<name>/remove/<user>")
@may(Permission.ADMIN)
@sensitive
async def remove_member(name: str, user: str) -> ResponseTypes:
    """Take a user out of a group."""
    async with context() as ctx:
        await groups.remove_user(ctx, name=name, user=user_id(user))
    await flash("Removed. It takes effect on their next request.")
    return redirect(f"{HOME}/{name}", 303)


async def _show_refused(form: BaseForm, *, name: str, **how: Any) -> ResponseTypes:
    del form
    return await _show_one(MemberForm(), name=name, **how)


@pages.post("/admin/groups/<name>/delete")
@may(Permission.ADMIN)
@sensitive
@submits(BaseForm, _show_refused)
async def delete_group(_form: BaseForm, name: str) -> ResponseTypes:
    """Delete a group."""
    async with context() as ctx:
        await groups.delete(ctx, name=name)
    await flash("Group deleted.")
    return redirect(HOME, 303)
