"""The gate: one login before applications of any kind. It stands before the pages."""

from quart import Quart

from app.config import Config
from app.gate.door import Door


def init_app(app: Quart, config: Config) -> None:
    """Put the gate's door before the application."""
    app.asgi_app = Door(app, app.asgi_app, config)  # type: ignore[method-assign]
