"""Templates know the addresses of pages when they are read, and tell what there is no page for."""

from collections.abc import Callable
from functools import partial

import pytest
from quart import Quart, render_template
from quart.routing import QuartRule
from werkzeug.routing import BuildError

from app.http.application import AddressBuilder
from app.web.icons import icon


async def rendered(app: Quart, source: str) -> str:
    async with app.test_request_context("/"):
        return await app.jinja_env.from_string(source).render_async()


async def test_no_page_is_told(app: Quart) -> None:
    with pytest.raises(BuildError):
        await rendered(app, '{{ url_for("nothing.here") }}')


async def test_no_icon_is_told(app: Quart) -> None:
    with pytest.raises(LookupError, match="there is no icon “nothing”"):
        await rendered(app, '{{ icon("nothing") }}')


@pytest.mark.parametrize("source", ['{{ url_for("login.show_login") }}', "{{ url_for(page) }}"])
async def test_a_page_has_its_address(app: Quart, source: str) -> None:
    assert await rendered(app, '{% set page = "login.show_login" %}' + source) == "/login"


async def test_the_code_that_builds_an_address_is_made_when_it_is_asked_for(
    app: Quart, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    make = QuartRule._compile_builder

    def noting(rule: QuartRule, append_unknown: bool = True) -> AddressBuilder:  # noqa: FBT001, FBT002
        made.append(str(rule.endpoint))
        return make(rule, append_unknown)

    monkeypatch.setattr(QuartRule, "_compile_builder", noting)
    app.add_url_rule("/shelves/<name>", endpoint="shelf")
    assert made == []
    for name in ("a", "b"):
        async with app.test_request_context("/"):
            assert app.url_for("shelf", name=name) == f"/shelves/{name}"
    assert made == ["shelf"]


async def test_an_icon_is_drawn(app: Quart) -> None:
    for source in ('{{ icon("mail") }}', '{% set name = "mail" %}{{ icon(name) }}'):
        assert await rendered(app, source) == str(icon("mail"))


async def test_what_the_settings_say_stands_in_our_templates_as_it_is(app: Quart) -> None:
    app.jinja_env.globals["home_url"] = '/"><b>{{ 7 * 7 }}{% if'
    async with app.test_request_context("/"):
        page = await render_template("base.html")
    assert 'href="/&#34;&gt;&lt;b&gt;{{ 7 * 7 }}{% if"' in page


async def test_a_sites_template_means_its_own_by_the_same_name(app: Quart) -> None:
    assert await rendered(app, '{% set home_url = "mine" %}{{ home_url }}') == "mine"


def sync() -> str:
    return "waited for"


async def coroutine() -> str:
    return sync()


class Page:
    async def __call__(self) -> str:
        return sync()


@pytest.mark.parametrize("function", [sync, coroutine, partial(coroutine), Page().__call__])
async def test_whatever_a_site_brings_can_be_awaited(
    app: Quart, function: Callable[[], object]
) -> None:
    async with app.app_context():
        assert await app.ensure_async(function)() == "waited for"
