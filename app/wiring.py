"""Vestibule: the login of your site."""

from collections.abc import AsyncGenerator

from pydantic import SecretStr
from quart import Quart
from sqlalchemy import URL, make_url

from app import edge, gate, own_migrations, web
from app.config import Config
from app.http import branding, websockets
from app.http.application import Application
from app.http.assets import STATIC_DIR, static_path
from app.http.body import limit_bodies
from app.http.connections import drop_idle_processors
from app.kit import templates
from app.kit.keys import new_key
from app.kit.shares import Share
from app.services import EXTENSION, opened
from app.site import load
from app.web import own_pages, own_templates

NOWHERE = make_url("postgresql+asyncpg://nobody@127.0.0.1/none")


def create_app(config: Config, url: URL, share: Share | None = None) -> Quart:
    """Build the application: the only place that wires.

    ``url`` is where the database is. Nothing is opened before the server starts; an application
    object serves once. ``share`` is a worker's part of what several have.

    Raises:
        WrongSite: the owner's package cannot be used.
    """
    site, made = load(config.site), branding.files(config)
    app = Application(
        "app",
        public_url=config.public_url,
        site=site,
        made=made,
        template_folder=str(templates.FOLDER),
        static_folder=str(STATIC_DIR),
        static_url_path=static_path(
            site.folder("static"), tuple(each.content for each in made.values())
        ),
    )

    @app.while_serving
    async def open_services() -> AsyncGenerator[None, None]:
        async with opened(config, url, share) as services:
            app.extensions[EXTENSION] = services
            yield

    web.init_app(app, config)
    gate.init_app(app, config)
    edge.init_app(app, config)
    own_pages.check(app, site)
    websockets.register(app, config)
    drop_idle_processors(app)
    limit_bodies(app)
    return app


def check(config: Config) -> None:
    """Check a site's package as far as can be without a request: its pages and templates.

    Raises:
        WrongSite: with one sentence that names the file.
    """
    keyed = config.model_copy(update={"secret_key": SecretStr(new_key())})
    app = create_app(keyed, NOWHERE)
    own_templates.check(app, load(config.site))
    own_migrations.check(load(config.site))
