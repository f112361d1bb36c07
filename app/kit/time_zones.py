"""Time zones, and moments as people say them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

REGIONS = frozenset(
    {
        "Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe",
        "Indian", "Pacific",
    }
)  # fmt: skip
NOW = timedelta(seconds=45)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
RELATIVE = timedelta(days=7)


@cache
def zones() -> Mapping[str, list[str]]:
    """Return the zones of each region by name. Reads the machine's files: some 100 ms, once."""
    found: dict[str, list[str]] = {}
    for name in sorted(available_timezones()):
        region, _, place = name.partition("/")
        if place and region in REGIONS:
            found.setdefault(region, []).append(name)
    return found


@cache  # bounded by the zones: nothing else is stored
def zone(name: str | None) -> tzinfo:
    """Return a zone; UTC for none, and for one that this machine does not know."""
    try:
        return ZoneInfo(name) if name else UTC
    except (OSError, ValueError, KeyError):
        return UTC


def exact(when: datetime, where: tzinfo) -> str:
    """Return a moment, like ``23 November 2026, 14:05 UTC``."""
    local = when.astimezone(where)
    name = f"{local:%Z}"
    named = f"UTC{name}" if name[0] in "+-" else name  # many zones have no name but their offset
    return f"{day(when, where)}, {local:%H:%M} {named}"


def day(when: datetime, where: tzinfo) -> str:
    """Return the day of a moment, like ``23 November 2026``."""
    local = when.astimezone(where)
    return f"{local.day} {local:%B %Y}"


def relative(when: datetime, where: tzinfo, *, now: datetime | None = None) -> str:
    """Return how long ago a moment is, or how far away, if that is days at most; else its date."""
    away = when - (now or datetime.now(UTC))
    size = abs(away)
    if size < NOW:
        return "just now"
    if size >= RELATIVE:
        return day(when, where)
    units = ((HOUR, MINUTE, "minute"), (DAY, HOUR, "hour"), (RELATIVE, DAY, "day"))
    unit, name = next((unit, name) for below, unit, name in units if size < below)
    number = max(1, size // unit)
    words = f"{number} {name}{'s' if number > 1 else ''}"
    return f"in {words}" if away > timedelta(0) else f"{words} ago"
