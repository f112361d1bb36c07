"""The arithmetic: medians, their spread, and ratios of medians."""

import statistics
from collections.abc import Callable, Sequence
from typing import NamedTuple

from bench.kept import Calm, Logins, Page, Results, Turn


class Figure(NamedTuple):
    """A median, and the lowest and highest of all rounds."""

    median: float
    low: float
    high: float


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which so large a share of all lies, by rank."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(len(ranked) * share))]


def figure(values: Sequence[float]) -> Figure:
    return Figure(statistics.median(values), min(values), max(values))


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Figure:
    """Return the ratio of two medians; its spread is that of the rounds' own ratios.

    Round by round: what disturbed the machine for a while disturbed both.
    """
    each = [one / other for one, other in zip(ours, theirs, strict=False) if other]
    middle = statistics.median(theirs)
    return Figure(statistics.median(ours) / middle if middle else 0.0, min(each), max(each))


def turns(results: Results, contender: str) -> list[Turn]:
    return [turn for turn in results["turns"] if turn["contender"] == contender]


def pages(results: Results, contender: str, connections: int) -> list[Page]:
    return [
        page
        for turn in turns(results, contender)
        for page in turn["pages"]
        if page["connections"] == connections
    ]


def logins(results: Results, contender: str) -> list[Logins]:
    return [turn["logins"] for turn in turns(results, contender) if turn["logins"]]


def calms(results: Results, contender: str) -> list[Calm]:
    return [turn["calm"] for turn in turns(results, contender) if turn["calm"]]


def of_pages(
    results: Results, contender: str, connections: int, pick: Callable[[Page], float]
) -> list[float]:
    return [pick(page) for page in pages(results, contender, connections)]


def foreign_cores(results: Results) -> Figure:
    """Return how much of the machine others took, in cores."""
    found = [page["foreign_cores"] for turn in results["turns"] for page in turn["pages"]]
    return figure(found or [0.0])
