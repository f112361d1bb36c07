"""Moments on pages, in the reader's time zone if they have chosen one, else in UTC."""

from datetime import UTC, datetime, tzinfo

from markupsafe import Markup
from quart_auth import current_user

from app.flows.lookup import CurrentSession
from app.kit import time_zones

_TIME = Markup('<time datetime="{}" title="{}">{}</time>')


def moment(when: datetime) -> Markup:
    """Return how long ago a moment is, like ``3 hours ago``; it tells exactly when, if asked."""
    where = _readers()
    words = time_zones.relative(when, where)
    return _TIME.format(_machine(when), time_zones.exact(when, where), words)


def exact(when: datetime) -> Markup:
    """Return a moment, like ``23 November 2026, 14:05 UTC``: for what must not be missed."""
    words = time_zones.exact(when, _readers())
    return Markup('<time datetime="{}">{}</time>').format(_machine(when), words)


def readers_zone() -> str:
    """Return the name of the zone that times are told in."""
    session: CurrentSession | None = getattr(current_user, "session", None)
    return (session and session.time_zone) or "UTC"


def _readers() -> tzinfo:
    session: CurrentSession | None = getattr(current_user, "session", None)
    return time_zones.zone(session.time_zone if session else None)


def _machine(when: datetime) -> str:
    return f"{when.astimezone(UTC):%Y-%m-%dT%H:%MZ}"
