"""What users are called on pages."""

from werkzeug.exceptions import NotFound

from app.kit.names import HasNames
from app.services import services


def called(owner: HasNames) -> str:
    """Return what to call somebody: their address where there are no usernames."""
    return services().config.called(owner)


def require_usernames() -> None:
    """Hide a page about usernames where there are none."""
    if not services().config.has_usernames:
        raise NotFound
