"""Counts of several processes, added up. For who passes them on, and needs no library for it."""

from collections.abc import Iterable
from typing import NamedTuple

A_MOMENT = "_timestamp_seconds"  # how the name of a gauge ends that says when

Labels = tuple[tuple[str, str], ...]
Told = tuple[str, str, str, list[tuple[str, list[tuple[str, str]], float]]]


class Counted(NamedTuple):
    """All that one process has counted: metric → its kind, its words, its samples."""

    kind: str
    words: str
    samples: dict[tuple[str, Labels], float]


Snapshot = dict[str, Counted]


def read(told: Iterable[Told]) -> Snapshot:
    """Return what a process has told, also if it came as JSON."""
    return {
        name: Counted(
            kind,
            words,
            {
                (sample, tuple((key, value) for key, value in labels)): number
                for sample, labels, number in samples
            },
        )
        for name, kind, words, samples in told
    }


def merged(snapshots: Iterable[Snapshot], *, keep_gauges: bool = True) -> Snapshot:
    """Add snapshots up; of moments the latest counts.

    A process that is gone leaves its counts, never its gauges.
    """
    total: Snapshot = {}
    for each in snapshots:
        for name, counted in each.items():
            if counted.kind == "gauge" and not keep_gauges:
                continue
            known = total.setdefault(name, Counted(counted.kind, counted.words, {}))
            for sample, number in counted.samples.items():
                so_far = known.samples.get(sample, 0)
                is_moment = name.endswith(A_MOMENT)
                known.samples[sample] = max(so_far, number) if is_moment else so_far + number
    return total
