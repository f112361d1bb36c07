"""docs/templates.md lists what each template gets, and no template has an address of its own.

That a page hands over what is listed is shown by every test that renders it: an unknown variable is
an error there (``tests/conftest.py``).
"""

import re
from pathlib import Path

import pytest
from jinja2 import Environment
from quart import Quart

from app.kit import templates
from app.mail import rendering
from app.web.factor_fields import CodeForm
from app.web.fields import (
    BaseForm,
    ConfirmForm,
    InvitationForm,
    LoginForm,
    ReauthenticationForm,
    RegisterForm,
    ResetForm,
    ResetRequestForm,
    StayForm,
    TicketForm,
)

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "templates"
NAMES = sorted(str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.html")) + sorted(
    str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.txt")
)
ROW = re.compile(r"^\| `([\w./]+\.\w+)` \| ([^|]*) \|$", re.MULTILINE)
EVERYWHERE = {"current_user", "request", "session", "g", "config"}


def listed() -> dict[str, set[str]]:
    rows = ROW.findall((ROOT / "docs" / "templates.md").read_text())
    return {name: set(re.findall(r"`(\w+)`", variables)) for name, variables in rows}


def used(name: str, environment: Environment) -> set[str]:
    return templates.variables(environment, TEMPLATES / name) - EVERYWHERE


def test_every_template_is_listed() -> None:
    assert sorted(listed()) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
async def test_its_variables_are_those_that_are_listed(app: Quart, name: str) -> None:
    environment = rendering.environment(None) if name.startswith("mail/") else app.jinja_env
    assert used(name, environment) == listed()[name]


FORMS: dict[str, type[BaseForm]] = {
    "login.html": LoginForm,
    "factor.html": CodeForm,
    "register.html": RegisterForm,
    "confirm.html": ConfirmForm,
    "unconfirmed.html": TicketForm,
    "deletion_pending.html": StayForm,
    "reset.html": ResetRequestForm,
    "reset_password.html": ResetForm,
    "invitation.html": InvitationForm,
    "reauthenticate.html": ReauthenticationForm,
}
FORM = re.compile(r"^\| `(\w+\.html)` \| `([a-z_.]+)` \| (.*?) \|$", re.MULTILINE)


async def test_a_forms_fields_are_those_that_are_listed(app: Quart) -> None:
    rows = FORM.findall((ROOT / "docs" / "templates.md").read_text())
    assert [template for template, _, _ in rows] == list(FORMS)
    for template, endpoint, fields in rows:
        assert set(re.findall(r"`(\w+)`", fields)) == set(FORMS[template]()._fields), template
        assert endpoint in app.view_functions
        assert f'action="{{{{ url_for("{endpoint}") }}}}"' in (TEMPLATES / template).read_text()


async def test_what_every_template_knows_is_listed(app: Quart) -> None:
    text = (ROOT / "docs" / "templates.md").read_text()
    ours = {"site", "static", "url_for", "is_registration_open", "password_min_length", "terms_url"}
    assert ours <= set(app.jinja_env.globals)
    for name in {*ours, "current_user", "request", "Permission", "get_flashed_messages"}:
        assert f"`{name}" in text, name


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("mail/")])
def test_every_link_is_made_by_url_for(name: str) -> None:
    text = (TEMPLATES / name).read_text()
    assert not re.findall(r"(?:href|action|src)=[\"']/", text)
