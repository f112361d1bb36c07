"""The names of our cookies."""

from app.config import Config


def cookie_name(config: Config, name: str) -> str:
    """Return a cookie's name; over https with the prefix that ties it to this host (SE-01)."""
    return f"__Host-vestibule-{name}" if config.is_https else f"vestibule-{name}"
