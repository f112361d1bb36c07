"""What is aimed at, each as one figure: two cores, medians of interleaved rounds."""

import math
from collections.abc import Callable
from typing import NamedTuple

from bench.contenders import BASIS
from bench.figures import Figure, calms, figure, logins, of_pages, pages, ratio, turns
from bench.kept import Page, Results

OURS = "ours"


class Aim(NamedTuple):
    """``bound`` is a least value or, if ``is_most``, a largest one."""

    words: str
    found: Figure
    bound: float
    is_most: bool = False

    @property
    def is_met(self) -> bool:
        return self.found.median <= self.bound if self.is_most else self.found.median >= self.bound


def aims(results: Results) -> list[Aim]:
    """Return all aims that these results say something of; nothing measured: nothing said."""
    found = [*_of_speed(results), *_of_the_tail(results), *_of_errors(results),
             *_of_doors(results), *_of_weight(results)]  # fmt: skip
    return [aim for aim in found if not math.isnan(aim.found.median)]


def requests_second(page: Page) -> float:
    return page["requests_second"]


def p99(page: Page) -> float:
    return page["p99_ms"]


def _of_speed(results: Results) -> list[Aim]:
    def against(one: str, other: str) -> Figure:
        return _pages_ratio(results, one, other, 64, requests_second)

    return [
        Aim("requests/s against the course's stack", against(OURS, BASIS), 3),
        Aim("requests/s against fastapi-users", against(OURS, "fastapi"), 3.5),
        Aim("requests/s against Django", against(OURS, "django"), 4.5),
        Aim("requests/s against our page without a look-up", against(OURS, "page"), 0.85),
        Aim("bare Quart: requests/s of our server against hypercorn's own command",
            against("bare", "bare_hypercorn"), 1),
    ]  # fmt: skip


def _of_the_tail(results: Results) -> list[Aim]:
    def against(one: str, other: str, connections: int = 64) -> Figure:
        return _pages_ratio(results, one, other, connections, p99)

    return [
        Aim("p99 against the course's stack", against(OURS, BASIS), 1, is_most=True),
        Aim("256 connections: p99 against the course's stack",
            against(OURS, BASIS, 256), 1, is_most=True),
        Aim("bare Quart: p99 of our server against hypercorn's own command",
            against("bare", "bare_hypercorn"), 1, is_most=True),
    ]  # fmt: skip


def _of_errors(results: Results) -> list[Aim]:
    many = [float(page["errors"]) for page in pages(results, OURS, 256)]
    return [Aim("256 connections: errors", _figure(many), 0, is_most=True)]


def _of_doors(results: Results) -> list[Aim]:
    alone = results["bcrypt_second"]
    entered = logins(results, OURS)
    calm = calms(results, OURS)
    return [
        Aim("logins/s, 16 in flight, against bcrypt alone",
            _ratio([each["per_second"] for each in entered], alone), 0.95),
        Aim("… of these refused", _figure([each["refused"] for each in entered]), 0,
            is_most=True),
        Aim("page at 50/s under a flood of wrong passwords: p99 against its own rest",
            _figure([each["flood_p99_ms"] / each["rest_p99_ms"] for each in calm]), 3,
            is_most=True),
        Aim("logins checked in the flood, against bcrypt alone",
            _ratio([each["checked_second"] for each in calm], alone), 0.9),
    ]  # fmt: skip


def _of_weight(results: Results) -> list[Aim]:
    found = turns(results, OURS)
    memory = [turn["pss_mb"] or turn["rss_mb"] for turn in found]
    start = [turn["start_seconds"] for turn in found]
    return [
        Aim("memory after load, MB", _figure(memory), 170, is_most=True),
        Aim("start to first page, s", _figure(start), 1.2, is_most=True),
    ]


def _pages_ratio(
    results: Results, one: str, other: str, connections: int, pick: Callable[[Page], float]
) -> Figure:
    return _ratio(of_pages(results, one, connections, pick),
                  of_pages(results, other, connections, pick))  # fmt: skip


def _figure(values: list[float]) -> Figure:
    return figure(values) if values else Figure(math.nan, math.nan, math.nan)


def _ratio(one: list[float], other: list[float]) -> Figure:
    return ratio(one, other) if one and other else Figure(math.nan, math.nan, math.nan)
