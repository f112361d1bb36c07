"""Every component on one page, as docs/pages.md shows it. For who builds a site: ``make run``."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from markupsafe import Markup
from quart import Blueprint, current_app
from quart.typing import ResponseTypes
from quart_auth import current_user
from wtforms import BooleanField, PasswordField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined] # newer than stubs
from wtforms.validators import InputRequired

from app.http.access import anyone
from app.web.fields import BaseForm, errors_of
from app.web.forms import show
from app.web.icons import ICONS

pages = Blueprint("styleguide", __name__)

SOURCE = Path(__file__).parents[2] / "docs" / "pages.md"
IMPORTS = '{% from "fields.html" import input, summary %}'
_SECTION = re.compile(r"^## (.+?)$(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_EXAMPLE = re.compile(r"^```html\n(.*?)^```", re.MULTILINE | re.DOTALL)


class Component(NamedTuple):
    """A section of docs/pages.md, and its example as it looks."""

    title: str
    shown: Markup


class ExampleForm(BaseForm):
    """A form with one field of each kind."""

    title = StringField("Title", [InputRequired("Give it a title.")], [])
    text = TextAreaField("Text")
    kind = SelectField("Kind", choices=[SelectChoice("idea", "Idea"), SelectChoice("task", "Task")])
    password = PasswordField("Password", render_kw={"autocomplete": "off"})
    tells = BooleanField("Tell me by email")


@pages.get("/styleguide")
@anyone
async def show_styleguide() -> ResponseTypes:
    """Render the examples."""
    form = ExampleForm(data={"kind": "idea"})
    form.validate()
    facts = {
        "form": form,
        "errors": errors_of(form),
        "icons": [*ICONS],
        "now": datetime.now(UTC) - timedelta(hours=3),
        "current_user": current_user,
    }
    found = [
        Component(title, await _rendered(example[1], facts))
        for title, text in _SECTION.findall(SOURCE.read_text())
        if (example := _EXAMPLE.search(text))
    ]
    return await show("styleguide.html", BaseForm(), components=found)


async def _rendered(example: str, facts: dict[str, object]) -> Markup:
    """Return an example of our own documentation as a page shows it."""
    template = current_app.jinja_env.from_string(IMPORTS + example)
    return Markup(await template.render_async(facts))  # noqa: S704
