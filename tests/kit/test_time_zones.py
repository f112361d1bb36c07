"""Moments as people say them."""

from datetime import UTC, datetime, timedelta

import pytest

from app.kit.time_zones import exact, relative, zone, zones

NOW = datetime(2026, 11, 26, 22, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "name", [None, "", "Nowhere/Land", "../../etc/passwd", "/etc/passwd", "\0"]
)
def test_what_is_no_zone_is_utc(name: str | None) -> None:
    assert zone(name) is UTC


def test_zones_have_regions() -> None:
    assert "Europe/Berlin" in zones()["Europe"]
    assert not {"Etc", "US", ""} & set(zones())


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        ({"seconds": 0}, "just now"),
        ({"seconds": -20}, "just now"),
        ({"seconds": 50}, "1 minute ago"),
        ({"minutes": 59, "seconds": 59}, "59 minutes ago"),
        ({"hours": 1}, "1 hour ago"),
        ({"hours": 23}, "23 hours ago"),
        ({"days": 1}, "1 day ago"),
        ({"days": 6, "hours": 23}, "6 days ago"),
        ({"days": 7}, "19 November 2026"),
        ({"minutes": -5}, "in 5 minutes"),
        ({"days": -3}, "in 3 days"),
        ({"days": -8}, "4 December 2026"),
    ],
)
def test_moments_are_near_or_have_a_date(ago: dict[str, int], words: str) -> None:
    assert relative(NOW - timedelta(**ago), UTC, now=NOW) == words


def test_a_date_is_the_readers() -> None:
    berlin = zone("Europe/Berlin")
    late = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
    assert relative(late, UTC, now=NOW) == "1 July 2026"
    assert relative(late, berlin, now=NOW) == "2 July 2026"
    assert exact(late, berlin) == "2 July 2026, 00:30 CEST"
    assert exact(late, UTC) == "1 July 2026, 22:30 UTC"


def test_a_zone_without_a_name_is_told_by_its_offset() -> None:
    assert exact(NOW, zone("America/Sao_Paulo")) == "26 November 2026, 19:30 UTC-03"
