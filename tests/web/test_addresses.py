"""Templates know the addresses of pages when they are read, and tell what there is no page for."""

import pytest
from quart import Quart
from werkzeug.routing import BuildError

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


async def test_an_icon_is_drawn(app: Quart) -> None:
    for source in ('{{ icon("mail") }}', '{% set name = "mail" %}{{ icon(name) }}'):
        assert await rendered(app, source) == str(icon("mail"))
