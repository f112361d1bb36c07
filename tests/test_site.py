"""What is wrong with an owner's package stops the start, in one sentence that names the file."""

from pathlib import Path

import pytest
from sqlalchemy import make_url

from app import create_app, own_migrations, wiring
from app.site import Site, WrongSite, load
from tests.sites import WriteSite, config_of, write_site

__all__ = ["write_site"]

FIELD = "from app.extending import ProfileField\nfields = [{}]\n"
FLAG = "from enum import IntFlag\nclass Permission(IntFlag):\n    {}\n"
PAGE = "from quart import Blueprint\npages = Blueprint({!r}, __name__)\n"
HOOK = "from app.extending import Event, hook\n@hook({})\n{}def greet(ctx, happening): ...\n"

WRONG = [
    ({"pages.py": "x = (\n"}, "pages.py, line 1: '(' was never closed"),
    ({"pages.py": "\nprint(unknown)\n"}, "pages.py, line 2: NameError: name 'unknown'"),
    ({"models.py": "import no_such_library\n"}, "models.py, line 1: ModuleNotFoundError"),
    ({"__init__.py": "1 / 0\n"}, "__init__.py, line 1: ZeroDivisionError"),
    ({"permissions.py": FLAG.format("SHIP = 16")}, "permissions.py: SHIP must be a single bit"),
    ({"permissions.py": FLAG.format("SHIP = 768")}, "permissions.py: SHIP must be a single bit"),
    ({"permissions.py": FLAG.format("ADMIN = 256")}, "permissions.py: a permission can't be"),
    ({"permissions.py": FLAG.format("ship = 256")}, "permissions.py: a permission can't be"),
    ({"profile.py": "fields = 5\n"}, "profile.py: it needs a list of ProfileField"),
    ({"profile.py": ""}, "profile.py: it needs a list of ProfileField"),
    (
        {"profile.py": FIELD.format('ProfileField(name="email", label="E")')},
        "profile.py, line 2: ValueError: “email” can't be the name",
    ),
    (
        {"profile.py": FIELD.format('ProfileField(name="a", label="A", kind="colour")')},
        "profile.py, line 2: ValueError: a: kind must be one of",
    ),
    (
        {"profile.py": FIELD.format('ProfileField(name="a", label="A", kind="choice")')},
        "profile.py, line 2: ValueError: a: a choice has choices",
    ),
    (
        {"profile.py": FIELD.format('ProfileField(name="a", label="A", asked=["login"])')},
        "profile.py, line 2: ValueError: a: asked must be a list",
    ),
    (
        {"profile.py": FIELD.format('*[ProfileField(name="a", label="A")] * 2')},
        "profile.py: two fields are called a",
    ),
    ({"hooks.py": HOOK.format("Event.CONFIRMED", "")}, "hooks.py: the hook greet must be an"),
    *[
        (
            {"hooks.py": HOOK.format("Event.CONFIRMED", "async ").replace("ctx, happening", taken)},
            "hooks.py: the hook greet must take two arguments",
        )
        for taken in ("", "ctx", "ctx, happening, more", "*, ctx, happening")
    ],
    (
        {"hooks.py": HOOK.format("Event.SIGN_IN_FAILED", "async ")},
        "hooks.py, line 2: ValueError: there are no hooks for login.failed",
    ),
    (
        {"hooks.py": HOOK.format("Event.IMPORTED", "async ")},
        "hooks.py, line 2: ValueError: there are no hooks for account.imported",
    ),
]
MIGRATION = "revision = {!r}\ndown_revision = {!r}\n"
FIRST = {"migrations/{0}_0001_a.py": MIGRATION.format("{0}_0001", None)}
WRONG_MIGRATIONS: list[tuple[dict[str, str], str]] = [
    (
        {"migrations/abc123.py": MIGRATION.format("abc123", "{0}_0001")},
        "migrations/abc123.py: give it a name like {0}_0002_words.py.",
    ),
    (
        {"migrations/{0}_0002_b.py": MIGRATION.format("{0}_0003", "{0}_0001")},
        "migrations/{0}_0002_b.py: its revision must be '{0}_0002'",
    ),
    (
        {
            "migrations/{0}_0002_b.py": MIGRATION.format("{0}_0002", "{0}_0001"),
            "migrations/{0}_0002_c.py": MIGRATION.format("{0}_0002", "{0}_0001"),
        },
        "{0}_0002_c.py are both {0}_0002. Give one the next number.",
    ),
    (
        {
            "migrations/{0}_0002_b.py": MIGRATION.format("{0}_0002", "{0}_0001"),
            "migrations/{0}_0003_c.py": MIGRATION.format("{0}_0003", "{0}_0001"),
        },
        "migrations/{0}_0003_c.py: its down_revision must be '{0}_0002'.",
    ),
    ({"migrations/{0}_0002_b.py": "x = (\n"}, "migrations/{0}_0002_b.py, line 1:"),
]
WRONG_PAGES = [
    (PAGE.format("login"), "pages.py, blueprint “login”: this name is taken"),
    (PAGE.format("health"), "pages.py, blueprint “health”: this name is taken"),
    (
        PAGE.format("own") + '@pages.get("/login")\nasync def login(): ...\n',
        "pages.py, blueprint “own”: /login is a page of Vestibule's already",
    ),
    (
        PAGE.format("own") + '@pages.get("/health/ready")\nasync def ready(): ...\n',
        "pages.py, blueprint “own”: /health/ready is a page of Vestibule's already",
    ),
]


@pytest.mark.parametrize(("files", "sentence"), WRONG, ids=lambda each: str(each)[-40:])
def test_what_is_wrong_is_said_with_its_file(
    write_site: WriteSite, files: dict[str, str], sentence: str
) -> None:
    with pytest.raises(WrongSite) as wrong:
        load(write_site(files))
    said = str(wrong.value)
    assert said.startswith("SITE: ")
    assert sentence in said
    assert "\n" not in said


@pytest.mark.parametrize(("pages", "sentence"), WRONG_PAGES)
def test_a_page_that_hides_one_of_ours_is_refused(
    write_site: WriteSite, pages: str, sentence: str
) -> None:
    url = make_url("postgresql+asyncpg://nobody@127.0.0.1:1/none")
    with pytest.raises(WrongSite) as wrong:
        create_app(config_of(write_site({"pages.py": pages})), url)
    assert sentence in str(wrong.value)


@pytest.mark.parametrize("name", ["app", "tests", "json", "my-site", "../site", "no_such_site"])
def test_a_name_that_is_no_package_of_the_owners_is_refused(name: str) -> None:
    with pytest.raises(WrongSite, match="SITE: "):
        load(name)


@pytest.mark.parametrize(("files", "sentence"), WRONG_MIGRATIONS, ids=lambda each: str(each)[-30:])
def test_migrations_that_are_no_line_are_refused(
    tmp_path: Path, files: dict[str, str], sentence: str
) -> None:
    """Alembic would leave one out, and nobody would notice."""
    for path, text in (FIRST | files).items():
        target = tmp_path / "shop" / path.replace("{0}", "shop")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text.replace("{0}", "shop"))
    with pytest.raises(WrongSite) as wrong:
        own_migrations.check(Site("shop", tmp_path / "shop"))
    assert sentence.replace("{0}", "shop") in str(wrong.value)


def test_without_a_site_there_is_nothing() -> None:
    assert load(None).pages == ()
    assert load("") == load(None)


BROKEN = [
    ({"templates/own.html": "{{ oh"}, "own.html, line 1: "),
    ({"templates/mail/confirm.txt": "{% if %}"}, "confirm.txt, line 1: "),
    ({"templates/mail/confirm.txt": "Hello {{ usrname }}"}, "confirm.txt: this email gets no “usr"),
    (
        {"templates/own.html": '\n{% extends "bsae.html" %}'},
        "own.html, line 2: there is no template “bsae.html”.",
    ),
    (
        {"templates/own.html": '{% extends "base.html" %}\n{% include "part.html" %}'},
        "own.html, line 2: there is no template “part.html”.",
    ),
    (
        {"templates/own.html": '{% include ["one.html", "two.html"] %}'},
        "own.html, line 1: there is no template “one.html”.",
    ),
    (
        {"templates/own.html": '{% from "feilds.html" import input %}'},
        "own.html, line 1: there is no template “feilds.html”.",
    ),
    (
        {"templates/mail/own.html": '{% extends "base.html" %}{% import "mail/no.html" as n %}'},
        "own.html, line 1: there is no template “mail/no.html”.",
    ),
    (
        {"templates/own.html": '{% if 0 %}\n{{ url_for("login.show_logn") }}{% endif %}'},
        "own.html, line 2: url_for: there is no page “login.show_logn”.",
    ),
    (
        {"templates/own.html": '{% macro a() %}{{ url_for("own.page", id=1) }}{% endmacro %}'},
        "own.html, line 1: url_for: there is no page “own.page”.",
    ),
]


@pytest.mark.parametrize(("files", "sentence"), BROKEN)
def test_a_template_that_cannot_be_rendered_is_told_at_the_start(
    write_site: WriteSite, files: dict[str, str], sentence: str
) -> None:
    with pytest.raises(WrongSite) as wrong:
        wiring.check(config_of(write_site(files)))
    assert sentence in str(wrong.value)


def test_a_site_that_is_well_passes(write_site: WriteSite) -> None:
    email = "{{ site }}, {{ username }}: {{ link }} {% set a = 1 %}{{ a }}"
    files = {"templates/mail/confirm.txt": email, "templates/mail/own.txt": "{{ anything }}"}
    wiring.check(config_of(write_site(files)))


def test_what_a_template_may_do_without_or_names_by_a_variable_passes(
    write_site: WriteSite,
) -> None:
    own = """{% extends "vestibule/base.html" %}{% include "no.html" ignore missing %}
    {% include ["no.html", "own.html"] %}{% include part %}{% extends "base.html" if a else b %}
    {% from "fields.html" import input %}{{ url_for(page) }}{{ url_for(".page") }}
    {% if demo_pages %}{{ url_for("secret.secret") }}{% endif %}{{ url_for("own.page") }}
    {{ url_for("login.show_login", next="/") }}{{ url_for("static", filename="a.css") }}"""
    page = PAGE.format("own") + '@pages.get("/own")\nasync def page(): ...\n'
    site = write_site({"templates/own.html": own, "pages.py": page})
    for demo in (True, False):
        wiring.check(config_of(site).model_copy(update={"demo_pages": demo}))


def test_permissions_go_on_where_ours_end(write_site: WriteSite) -> None:
    flag = "from app.extending import FIRST_PERMISSION\n" + FLAG.format(
        "SHIP = FIRST_PERMISSION\n    SELL = FIRST_PERMISSION << 1"
    )
    found = load(write_site({"permissions.py": flag})).permissions
    assert list(found)[-2:] == ["SHIP", "SELL"]
    assert found["SELL"] == 512
    assert found["ADMIN"] == 16
