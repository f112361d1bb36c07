"""Roles: what each may do, who has it, and changing that."""

from collections.abc import Mapping
from typing import Any

from quart import Blueprint, flash, redirect, request
from quart.typing import ResponseTypes
from werkzeug.exceptions import NotFound
from wtforms import SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # newer than stubs
from wtforms.validators import InputRequired
from wtforms.widgets import CheckboxInput, ListWidget

from app.flows import roles
from app.flows.roles import ListedRole
from app.http.context import context
from app.http.marks import accepts, may, sensitive
from app.kit.errors import NoSuchRole
from app.kit.permissions import Permission, covers
from app.services import services
from app.site import load
from app.web.fields import BaseForm, as_meant, given
from app.web.forms import show, submits

pages = Blueprint("admin_roles", __name__)

LARGEST = 2**31 - 1  # id of a role


class RightsForm(BaseForm):
    """What a role may do."""

    permissions = SelectMultipleField(
        "Permissions", option_widget=CheckboxInput(), widget=ListWidget(prefix_label=False)
    )

    def __init__(self, *given: Any, bits: int = 0, **more: Any) -> None:
        super().__init__(*given, **more)
        names = _names()
        self.permissions.choices = [SelectChoice(name, name) for name in names]
        if not (given and given[0]):
            self.permissions.data = [name for name, bit in names.items() if covers(bits, bit)]

    @property
    def bits(self) -> int:
        """The permissions as they are stored."""
        return sum(_names()[name] for name in self.permissions.data or ())


class NewRoleForm(RightsForm):
    """Create a role."""

    name = StringField(
        "Name",
        [InputRequired("Enter a name.")],
        [as_meant],
        description="Like Editor. 2 to 40 letters, digits, spaces and hyphens.",
        render_kw={"autocomplete": "off"},
    )


class RenameForm(BaseForm):
    """Rename a role."""

    name = StringField(
        "New name", [InputRequired("Enter a name.")], [as_meant], render_kw={"autocomplete": "off"}
    )


def _names() -> Mapping[str, int]:
    return load(services().config.site).permissions


@pages.get("/admin/roles")
@may(Permission.ADMIN)
@sensitive
async def show_roles() -> ResponseTypes:
    """Show all roles, and ask for a new one."""
    return await _show_all(NewRoleForm())


async def _show_all(form: NewRoleForm, **how: Any) -> ResponseTypes:
    async with context() as ctx:
        return await show("admin/roles.html", form, roles=await roles.everything(ctx), **how)


@pages.post("/admin/roles")
@may(Permission.ADMIN)
@sensitive
@accepts(repeated={"permissions"})
@submits(NewRoleForm, _show_all)
async def create(form: NewRoleForm) -> ResponseTypes:
    """Create a role."""
    async with context() as ctx:
        await roles.create(ctx, name=given(form.name), permissions=form.bits)
    await flash(f"Role {given(form.name)} created.")
    return redirect("/admin/roles", 303)


@pages.get("/admin/roles/<int:role_id>")
@may(Permission.ADMIN)
@sensitive
async def show_role(role_id: int) -> ResponseTypes:
    """Show a role."""
    return await _show(BaseForm(), role_id=role_id)


async def _show(form: BaseForm, *, role_id: int, **how: Any) -> ResponseTypes:
    role = await _role(role_id)
    return await show(
        "admin/role.html",
        form,
        role=role,
        rights=form if isinstance(form, RightsForm) else RightsForm(bits=role.bits),
        rename=form if isinstance(form, RenameForm) else RenameForm(),
        **how,
    )


async def _role(role_id: int) -> ListedRole:
    async with context() as ctx:
        try:
            return await roles.find(ctx, role_id=min(role_id, LARGEST))
        except NoSuchRole:
            raise NotFound from None


@pages.post("/admin/roles/<int:role_id>/name")
@may(Permission.ADMIN)
@sensitive
@submits(RenameForm, _show)
async def rename(form: RenameForm, role_id: int) -> ResponseTypes:
    """Rename a role."""
    role = await _role(role_id)
    async with context() as ctx:
        await roles.rename(ctx, name=role.name, to=given(form.name))
    return await _done(role_id, f"Renamed to {given(form.name)}.")


@pages.post("/admin/roles/<int:role_id>/permissions")
@may(Permission.ADMIN)
@sensitive
@accepts(repeated={"permissions"})
@submits(RightsForm, _show)
async def set_permissions(form: RightsForm, role_id: int) -> ResponseTypes:
    """Say anew what a role may do."""
    role = await _role(role_id)
    of_others = role.bits & ~sum(_names().values())  # of a site that is not here just now
    async with context() as ctx:
        await roles.set_permissions(ctx, name=role.name, permissions=form.bits | of_others)
    return await _done(role_id, "Permissions saved. They take effect on the next request.")


@pages.post("/admin/roles/<int:role_id>/default")
@may(Permission.ADMIN)
@sensitive
@submits(BaseForm, _show)
async def set_default(_form: BaseForm, role_id: int) -> ResponseTypes:
    """Give this role to new users."""
    role = await _role(role_id)
    async with context() as ctx:
        await roles.set_default(ctx, name=role.name)
    return await _done(role_id, f"New users get the role {role.name}.")


@pages.post("/admin/roles/<int:role_id>/factor")
@may(Permission.ADMIN)
@sensitive
@submits(BaseForm, _show)
async def require_factor(_form: BaseForm, role_id: int) -> ResponseTypes:
    """Say whether who has a role needs a second factor."""
    role = await _role(role_id)
    required = (await request.form).get("required") == "1"
    async with context() as ctx:
        await roles.require_factor(ctx, name=role.name, required=required)
    days = f"{services().config.factor_grace_days:g}"
    words = (
        f"A second factor is required, {days} days from now on." if required else "Optional now."
    )
    return await _done(role_id, words)


@pages.post("/admin/roles/<int:role_id>/delete")
@may(Permission.ADMIN)
@sensitive
@submits(BaseForm, _show)
async def delete(_form: BaseForm, role_id: int) -> ResponseTypes:
    """Delete a role that nobody has."""
    role = await _role(role_id)
    async with context() as ctx:
        await roles.delete(ctx, name=role.name)
    await flash(f"Role {role.name} deleted.")
    return redirect("/admin/roles", 303)


async def _done(role_id: int, words: str) -> ResponseTypes:
    await flash(words)
    return redirect(f"/admin/roles/{role_id}", 303)
