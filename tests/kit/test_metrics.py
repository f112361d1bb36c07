"""Counts of several processes add up, and outlive them."""

import json

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from app.kit.counts import A_MOMENT, merged, read
from app.kit.errors import TooBusy, WrongCredentials
from app.kit.metrics import LOGINS, as_metrics, counted, snapshot


def told(*, asked: int, open_now: int) -> object:
    """Return what a process reports."""
    registry = CollectorRegistry()
    counter = Counter("asked", "Asked", ["route"], registry=registry)
    counter.labels("/").inc(asked)
    Gauge("open", "Open", registry=registry).set(open_now)
    seconds = Histogram("seconds", "Seconds", buckets=(1, 2), registry=registry)
    for _ in range(asked):
        seconds.observe(1.5)
    return json.loads(json.dumps(snapshot(registry)))


def values(*reports: object, keep_gauges: bool = True) -> dict[str, float]:
    snapshots = [read(report) for report in reports]  # type: ignore[arg-type]
    total = merged(snapshots, keep_gauges=keep_gauges)
    return {
        f"{sample.name}{sorted(sample.labels.values())}": sample.value
        for metric in as_metrics(total)
        for sample in metric.samples
    }


def test_processes_are_added_up() -> None:
    total = values(told(asked=2, open_now=3), told(asked=5, open_now=4))
    assert total == {
        "asked_total['/']": 7, "open[]": 7, "seconds_bucket['1.0']": 0, "seconds_bucket['2.0']": 7,
        "seconds_bucket['+Inf']": 7, "seconds_count[]": 7, "seconds_sum[]": 10.5,
    }  # fmt: skip


def test_a_dead_process_leaves_counts_and_no_gauges() -> None:
    total = values(told(asked=2, open_now=3), keep_gauges=False)
    assert total["asked_total['/']"] == 2
    assert "open[]" not in total


def test_of_moments_the_latest_counts() -> None:
    def at(moment: int) -> object:
        registry = CollectorRegistry()
        Gauge(f"done{A_MOMENT}", "Done", registry=registry).set(moment)
        return json.loads(json.dumps(snapshot(registry)))

    assert values(at(1000), at(3000), at(0)) == {f"done{A_MOMENT}[]": 3000}


def logins(outcome: str) -> float:
    found: float = LOGINS.labels(outcome)._value.get()
    return found


class Done:
    outcome = "succeeded"


async def test_an_outcome_is_counted_by_its_name_and_a_refusal_by_its_code() -> None:
    @counted(LOGINS)
    async def attempt(error: Exception | None) -> Done:
        if error:
            raise error
        return Done()

    names = ("succeeded", "wrong_credentials", "too_busy", "broken_off")
    before = [logins(name) for name in names]
    await attempt(None)
    with pytest.raises(WrongCredentials):
        await attempt(WrongCredentials())
    with pytest.raises(TooBusy):
        await attempt(TooBusy(1))
    with pytest.raises(ZeroDivisionError):
        await attempt(ZeroDivisionError())
    assert [logins(name) for name in names] == [number + 1 for number in before]
