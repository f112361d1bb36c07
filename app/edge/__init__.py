"""For the machines beside us."""

from quart import Quart

from app.edge import health


def furnish(app: Quart) -> None:
    """Register this skin's routes."""
    app.register_blueprint(health.pages)
