"""The browser interface: pages, and what stands between a request and a page."""

from datetime import timedelta

from quart import Quart

from app.config import Config
from app.http import body, branding, checks, connections, headers, heads
from app.http.cookies import MessageCookie, cookie_name
from app.http.current_user import SessionAuth
from app.http.marks import LONGEST_BODY_BYTES
from app.kit.permissions import Permission
from app.kit.user_agents import described
from app.site import load
from app.web import (
    account,
    admin,
    applications,
    brand,
    email_links,
    errors,
    factor_login,
    gate,
    home,
    icons,
    invitation,
    login,
    me,
    moments,
    names,
    own_pages,
    reauthentication,
    register,
    reset,
    secret,
    security,
    styleguide,
    time_zone,
)
from app.words.audit_log import tell
from app.words.refusals import domains

OF_MACHINES = {"health", "doctor"}  # the names of the pages in edge
PAGES = (
    home.pages,
    register.pages,
    login.pages,
    factor_login.pages,
    reset.pages,
    invitation.pages,
    email_links.pages,
    gate.pages,
    reauthentication.pages,
    account.pages,
    security.pages,
    applications.pages,
    time_zone.pages,
    me.pages,
    secret.pages,
    styleguide.pages,
    *admin.PAGES,
)


def init_app(app: Quart, config: Config) -> None:
    """Register the pages and, in this order, the checks before them."""
    site = load(config.site)
    static = app.static_url_path or ""
    app.secret_key = config.signing_keys[-1]
    app.config.update(
        MAX_CONTENT_LENGTH=LONGEST_BODY_BYTES,
        BODY_TIMEOUT=body.BODY_SECONDS,
        RESPONSE_TIMEOUT=None,  # the server bounds the time of each write
        SECRET_KEY_FALLBACKS=config.signing_keys[:-1],
        SESSION_COOKIE_NAME=cookie_name(config, "flash"),
        SESSION_COOKIE_SECURE=config.is_https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=timedelta(hours=1),
    )
    app.url_map.merge_slashes = False  # its redirects are built from the request's Host
    app.request_class = body.StrictRequest
    app.asgi_http_class = connections.OneTask
    app.session_interface = MessageCookie(app)
    SessionAuth(
        app,
        cookie_name=cookie_name(config, "session"),
        cookie_secure=config.is_https,
        duration=int(timedelta(days=config.remember_days).total_seconds()),
        salt="vestibule.session",
    )
    checks.register(app, config)
    errors.register(app)
    app.jinja_env.globals.update(
        site=config.site_name,
        password_min_length=config.password_min_length,
        is_registration_open=config.registration == "open",
        registration_domains=domains(config.registration_domains),
        terms_url=config.terms_url,
        emails_in_log=config.relay is None and not config.is_https,
        Permission=Permission,
        static=static,
        mark=brand.mark(config, static=static),
        footer=brand.footer(config),
        support=brand.support(config),
        tab_icon=branding.icon_name(config),
        home_url=config.home,
        demo_pages=config.demo_pages,
        usernames=config.usernames,
        readers_zone=moments.readers_zone,
        icon=icons.icon,
        flash_icons=icons.OF_FLASHES,
    )
    app.jinja_env.add_extension(icons.Icons)
    app.jinja_env.filters.update(
        moment=moments.moment,
        exact=moments.exact,
        browser=described,
        told=tell,
        called=names.called,
    )
    own_pages.register(app, site, taken={"static", *OF_MACHINES, *(each.name for each in PAGES)})
    left_out = {
        *([] if config.demo_pages else [secret.pages.name]),
        *([] if config.is_laptop else [styleguide.pages.name]),
    }
    for pages in PAGES:
        if pages.name not in left_out:
            app.register_blueprint(pages)
    ready = headers.ready(is_https=config.is_https, other_origins=config.other_origins)
    app.asgi_app = heads.SoundHeads(app.asgi_app, ready, static=static)  # type: ignore[method-assign]
