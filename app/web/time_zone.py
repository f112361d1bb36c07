"""The time zone in which pages tell a user times."""

import asyncio
from typing import Any

from quart import Blueprint, flash, redirect
from quart.typing import ResponseTypes
from wtforms import SelectField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # newer than stubs

from app.flows import account
from app.http.context import context
from app.http.current_user import current_session
from app.kit import time_zones
from app.web.fields import BaseForm
from app.web.forms import show, submits

pages = Blueprint("time_zone", __name__, url_prefix="/account/time-zone")

TEMPLATE = "account/time_zone.html"


class TimeZoneForm(BaseForm):
    """Choose a time zone; empty is UTC."""

    time_zone = SelectField("Time zone", filters=[lambda name: name or ""])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        named = [
            SelectChoice(name, name.partition("/")[2].replace("_", " "), optgroup=region)
            for region, names in time_zones.zones().items()
            for name in names
        ]
        self.time_zone.choices = [SelectChoice("", "UTC"), *named]


@pages.before_request
async def read_zones() -> None:
    """Read the machine's files: the first time it takes a while."""
    await asyncio.to_thread(time_zones.zones)


@pages.get("")
async def show_time_zone() -> ResponseTypes:
    """Ask for a time zone."""
    return await show(TEMPLATE, TimeZoneForm(data={"time_zone": current_session().time_zone}))


@pages.post("")
@submits(TimeZoneForm, TEMPLATE)
async def submit_time_zone(form: TimeZoneForm) -> ResponseTypes:
    """Save it."""
    async with context() as ctx:
        await account.change_time_zone(ctx, time_zone=form.time_zone.data or None)
    await flash("Times are shown in your time zone from now on.")
    return redirect("/account", 303)
