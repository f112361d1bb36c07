"""The sites behind the gate."""

from typing import Any

from quart import Blueprint, flash, redirect
from quart.typing import ResponseTypes
from wtforms import BooleanField, SelectField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # newer than stubs
from wtforms.validators import InputRequired

from app.flows import groups, sites
from app.http.context import context
from app.http.marks import may, sensitive
from app.kit.gate_errors import NoSuchSite
from app.kit.needs import PREFIX_LONGEST, KnownBy
from app.kit.permissions import Permission
from app.web.admin.shared import uuid
from app.web.fields import BaseForm, at_most, given, trimmed
from app.web.forms import show, submits

pages = Blueprint("admin_sites", __name__)

HOME = "/admin/sites"
NAME_LONGEST = 60
PLAIN = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
NEED_RULE = (
    "public, signed-in, factor, permission:NAME or group:NAME. +factor behind it asks for a second "
    "factor too."
)
IDENTITIES = {
    KnownBy.ID: "ID (recommended)",
    KnownBy.USERNAME: "Username",
    KnownBy.EMAIL: "Email address",
}


def _need_field(field_id: str | None = None) -> StringField:
    return StringField(
        "Visitors need",
        [InputRequired("Say what visitors need."), at_most(200, "That's too long.")],
        [trimmed],
        description=NEED_RULE,
        render_kw=PLAIN,
        id=field_id,
    )


class SiteForm(BaseForm):
    """What is said of a site, beside where it is."""

    name = StringField(
        "Name",
        [InputRequired("Enter a name."), at_most(NAME_LONGEST, "Use at most 60 characters.")],
        [trimmed],
        description="Users read it when they sign in there.",
        render_kw={"autocomplete": "off"},
    )
    need = _need_field()
    identity = SelectField(
        "The site knows users by",
        choices=[SelectChoice(value.value, label) for value, label in IDENTITIES.items()],
        validate_choice=False,  # the flow knows which there are
    )


class NewSiteForm(SiteForm):
    """A new site."""

    origin = StringField(
        "Address",
        [InputRequired("Enter the site's address."), at_most(300, "That's too long.")],
        [trimmed],
        description="Like https://wiki.example.com, without a path.",
        render_kw=PLAIN,
    )


class ChangedSiteForm(SiteForm):
    """A site that is there; one that is not enabled lets nobody in."""

    enabled = BooleanField("Let visitors in")


class RuleForm(BaseForm):
    """What a part of a site needs."""

    prefix = StringField(
        "Path",
        [InputRequired("Enter a path."), at_most(PREFIX_LONGEST, "That's too long.")],
        [trimmed],
        description="Like /admin. It includes everything below. The longest path decides.",
        render_kw=PLAIN,
    )
    need = _need_field("rule-need")


class RemoveRuleForm(BaseForm):
    """Which rule goes."""

    prefix = StringField("Path")


@pages.get("/admin/sites")
@may(Permission.ADMIN)
@sensitive
async def show_sites() -> ResponseTypes:
    """Show all sites, and offer to add one."""
    return await _show_all(NewSiteForm())


async def _show_all(form: NewSiteForm, **how: Any) -> ResponseTypes:
    async with context() as ctx:
        found = await sites.everything(ctx)
        names = [each.name for each in await groups.everything(ctx)]
    return await show("admin/sites.html", form, found=found, groups=names, **how)


@pages.post("/admin/sites")
@may(Permission.ADMIN)
@sensitive
@submits(NewSiteForm, _show_all)
async def add_site(form: NewSiteForm) -> ResponseTypes:
    """Put a site behind the gate."""
    async with context() as ctx:
        place = await sites.add(
            ctx,
            origin=given(form.origin),
            name=given(form.name),
            need=given(form.need),
            identity=form.identity.data,
        )
        known = await sites.one(ctx, site=place)
    await flash("Added. Configure your proxy next.")
    return redirect(f"{HOME}/{known.id}", 303)


@pages.get("/admin/sites/<site_id>")
@may(Permission.ADMIN)
@sensitive
async def show_site(site_id: str) -> ResponseTypes:
    """Show a site with its rules."""
    return await _show_one(None, site_id=site_id)


async def _show_one(form: BaseForm | None, *, site_id: str, **how: Any) -> ResponseTypes:
    async with context() as ctx:
        found = await sites.one(ctx, site=str(uuid(site_id)))
    return await show(
        "admin/site.html",
        form or BaseForm(),
        found=found,
        changed=form if isinstance(form, ChangedSiteForm) else ChangedSiteForm(obj=found),
        rule=form if isinstance(form, RuleForm) else RuleForm(),
        **how,
    )


@pages.post("/admin/sites/<site_id>")
@may(Permission.ADMIN)
@sensitive
@submits(ChangedSiteForm, _show_one)
async def change_site(form: ChangedSiteForm, site_id: str) -> ResponseTypes:
    """Save what is said of a site."""
    async with context() as ctx:
        await sites.change(
            ctx,
            site=str(uuid(site_id)),
            name=given(form.name),
            need=given(form.need),
            identity=form.identity.data,
            enabled=form.enabled.data,
        )
    await flash("Saved. It takes effect on the next request.")
    return redirect(f"{HOME}/{site_id}", 303)


@pages.post("/admin/sites/<site_id>/rules")
@may(Permission.ADMIN)
@sensitive
@submits(RuleForm, _show_one)
async def set_rule(form: RuleForm, site_id: str) -> ResponseTypes:
    """Say what a part of a site needs."""
    async with context() as ctx:
        await sites.set_rule(
            ctx, site=str(uuid(site_id)), prefix=given(form.prefix), need=given(form.need)
        )
    await flash("Saved. It takes effect on the next request.")
    return redirect(f"{HOME}/{site_id}", 303)


@pages.post("/admin/sites/<site_id>/rules/remove")
@may(Permission.ADMIN)
@sensitive
@submits(RemoveRuleForm, _show_one)
async def remove_rule(form: RemoveRuleForm, site_id: str) -> ResponseTypes:
    """Remove a rule."""
    async with context() as ctx:
        await sites.remove_rule(ctx, site=str(uuid(site_id)), prefix=given(form.prefix))
    await flash("Rule removed.")
    return redirect(f"{HOME}/{site_id}", 303)


@pages.post("/admin/sites/<site_id>/remove")
@may(Permission.ADMIN)
@sensitive
async def remove_site(site_id: str) -> ResponseTypes:
    """Take a site from behind the gate; one that is gone already is as good."""
    async with context() as ctx:
        try:
            await sites.remove(ctx, site=str(uuid(site_id)))
        except NoSuchSite:
            await flash("This site was removed already.")
            return redirect(HOME, 303)
    await flash("Removed. Nobody gets in there any more.")
    return redirect(HOME, 303)
