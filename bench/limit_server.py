"""What bounds us, served by our own server without anything around it.

    python -m bench.limit_server bare|page --port 8000 [--workers 2]
    python -m bench.limit_server cookies     prints what ``page`` lets in

``page`` is our page, rendered for whom the signed cookie names: nobody asks a database.
"""

import argparse
import asyncio
import multiprocessing
import signal
import socket

import uvloop
from quart import Quart, render_template
from quart_auth import AuthUser, QuartAuth, current_user, login_required
from werkzeug.routing import Rule

from app.config import Config
from app.http import branding
from app.http.assets import STATIC_DIR, static_path
from app.kit.collector import spare_the_collector
from app.kit.permissions import Permission
from app.kit.shares import Share, Shares
from app.kit.templates import FOLDER as TEMPLATES_DIR
from app.runtime.server import Server
from app.web import brand, icons, moments
from bench.limits import bare
from bench.users import readers

COOKIE = "vestibule-session"
LINKS = {  # of our page, by the names under which its template asks for them
    "home.index": "/",
    "account.show_overview": "/account",
    "secret.secret": "/secret",
    "login.submit_logout": "/logout",
}
MOST_CONNECTIONS = 8192


class Reader(AuthUser):
    """Who the cookie says."""

    is_anonymous = False

    @property
    def name(self) -> str:
        return self.auth_id or ""

    def can(self, _: Permission) -> bool:
        return False

    def is_administrator(self) -> bool:
        return False


def make_page() -> Quart:
    """Build an application of one page: ours."""
    app = Quart(
        "page",
        template_folder=str(TEMPLATES_DIR),
        static_folder=str(STATIC_DIR),
        static_url_path=static_path(),
    )
    app.secret_key = "bench-9fK2mQ7xR4tB8wZ1cV6nJ3hL5pDs"
    app.before_serving(spare_the_collector)
    QuartAuth(app, cookie_name=COOKIE, cookie_secure=False, user_class=Reader)
    config, static = Config.model_validate({"secret_key": app.secret_key}), static_path()
    app.jinja_env.globals.update(
        site="Vestibule",
        static=static,
        is_registration_open=True,
        Permission=Permission,
        mark=brand.mark(config, static=static),
        footer=brand.footer(config),
        tab_icon=branding.icon_name(config),
        home_url="/",
        demo_pages=True,
        icon=icons.icon,
        flash_icons=icons.OF_FLASHES,
    )
    app.jinja_env.add_extension(icons.Icons)
    app.jinja_env.filters["exact"] = moments.exact

    for name, path in LINKS.items():
        app.url_map.add(Rule(path, endpoint=name, build_only=True))

    @app.get("/secret")
    @login_required
    async def secret() -> str:
        return await render_template("secret.html", current_user=current_user)

    return app


def cookies() -> list[str]:
    """Return the cookies of all readers."""
    app = make_page()
    extension: QuartAuth = app.extensions["QUART_AUTH"][0]
    return [f"{COOKIE}={extension.dump_token(name, app)}" for name in readers()]


def serve(what: str, listener: socket.socket, share: Share) -> None:
    """Be one worker, until SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(bare if what == "bare" else make_page(), listener, share))


async def _serve(app: Quart, listener: socket.socket, share: Share) -> None:
    await app.startup()
    await Server(app, most_connections=MOST_CONNECTIONS, share=share).start(listener)
    await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["bare", "page", "cookies"])
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    if options.what == "cookies":
        print("\n".join(cookies()))
        return
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.bind(("127.0.0.1", options.port))
    shares = Shares(options.workers)
    forked = multiprocessing.get_context("fork")
    workers = [
        forked.Process(target=serve, args=(options.what, listener, Share(shares.fd, shares.take())))
        for _ in range(options.workers)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


if __name__ == "__main__":
    main()
