"""Moments on pages. The server does not know where its readers are, so it says them in UTC."""

from datetime import UTC, datetime

from markupsafe import Markup


def moment(when: datetime) -> Markup:
    """Return a moment, like ``23 November 2026, 14:05 UTC``, for people and for programs."""
    utc = when.astimezone(UTC)
    return Markup('<time datetime="{}">{}</time>').format(
        f"{utc:%Y-%m-%dT%H:%MZ}", f"{utc.day} {utc:%B %Y, %H:%M} UTC"
    )
