"""For the machines beside us."""

from quart import Quart

from app.config import Config
from app.edge import doctor, health
from app.http.access_log import Watched


def init_app(app: Quart, config: Config) -> None:
    """Register this interface's routes, and watch over everybody's."""
    app.register_blueprint(health.pages)
    app.register_blueprint(doctor.pages)
    app.asgi_app = Watched(app.asgi_app, access_log=config.access_log)  # type: ignore[method-assign]
