"""What is counted, for Prometheus. Each process counts for itself; ``kit.counts`` adds them up."""

from collections.abc import Callable, Coroutine, Iterator, Mapping
from functools import wraps
from typing import Any, ParamSpec, Protocol, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import Metric
from prometheus_client.samples import Sample

from app.kit.counts import A_MOMENT, Counted, Told
from app.kit.errors import Refusal

P = ParamSpec("P")
Ended = TypeVar("Ended", bound="HasOutcome")

REGISTRY = CollectorRegistry(auto_describe=False)
REQUESTS = Counter(
    "vestibule_requests", "Requests answered (499: the client disconnected first)",
    ["method", "route", "status"], registry=REGISTRY,
)  # fmt: skip
REQUEST_SECONDS = Histogram(
    "vestibule_request_seconds", "From a request's headers to the end of its response", ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10), registry=REGISTRY,
)  # fmt: skip
LOGINS = Counter("vestibule_logins", "Sign-in attempts, by outcome", ["outcome"], registry=REGISTRY)
FACTORS = Counter(
    "vestibule_factors", "Second factors shown, by outcome", ["outcome"], registry=REGISTRY
)
GATE_CHECKS = Counter(
    "vestibule_gate_checks", "Requests to sites behind the gate, by outcome", ["outcome"],
    registry=REGISTRY,
)  # fmt: skip
PASSWORDS_WAITING = Gauge(
    "vestibule_passwords_waiting", "Passwords being hashed or waiting for it",
    registry=REGISTRY,
)  # fmt: skip
PASSWORD_WAIT_SECONDS = Histogram(
    "vestibule_password_wait_seconds", "How long a password waited for a thread",
    buckets=(0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10), registry=REGISTRY,
)  # fmt: skip
EMAILS = Counter(
    "vestibule_emails", "Emails sent, postponed or failed", ["outcome"], registry=REGISTRY
)
PRUNED = Counter(
    "vestibule_pruned_rows", "Expired rows deleted by housekeeping",
    ["table"], registry=REGISTRY,
)  # fmt: skip
HOUSEKEEPING_AT = Gauge(
    f"vestibule_housekeeping{A_MOMENT}", "When housekeeping last finished, as Unix time",
    registry=REGISTRY,
)  # fmt: skip
NOT_DELETED = Gauge(
    "vestibule_users_passed_over", "Users that housekeeping couldn't delete (see its log)",
    registry=REGISTRY,
)  # fmt: skip
CONNECTIONS = Gauge("vestibule_connections", "Open connections", registry=REGISTRY)
CONNECTIONS_CLOSED = Counter(
    "vestibule_connections_closed", "Connections closed or refused to stay below the limit",
    registry=REGISTRY,
)  # fmt: skip
POOL_IN_USE = Gauge(
    "vestibule_database_pool_in_use", "Database connections in use", registry=REGISTRY
)
POOL_SIZE = Gauge(
    "vestibule_database_pool_limit", "Limit of database connections", registry=REGISTRY
)
LOOP_LAG_SECONDS = Histogram(
    "vestibule_event_loop_lag_seconds", "Delay of the event loop",
    buckets=(0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 5), registry=REGISTRY,
)  # fmt: skip

Step = Callable[P, Coroutine[Any, Any, Ended]]


class HasOutcome(Protocol):
    """How something ended: ``outcome`` is what it is counted as."""

    @property
    def outcome(self) -> str:
        """One word, for a label."""


def counted(counter: Counter) -> Callable[[Step[P, Ended]], Step[P, Ended]]:
    """Count how a coroutine function ends: by its refusal's code, or by its result's outcome."""

    def decorate(function: Step[P, Ended]) -> Step[P, Ended]:
        @wraps(function)
        async def counting(*args: P.args, **kwargs: P.kwargs) -> Ended:
            try:
                result = await function(*args, **kwargs)
            except Refusal as refusal:
                counter.labels(refusal.code).inc()
                raise
            except BaseException:
                counter.labels("broken_off").inc()
                raise
            counter.labels(result.outcome).inc()
            return result

        return counting

    return decorate


def snapshot(registry: CollectorRegistry = REGISTRY) -> list[Told]:
    """Return what this process has counted so far, fit for JSON and for ``read``."""
    return [
        (metric.name, metric.type, metric.documentation,
         [(sample.name, sorted(sample.labels.items()), sample.value)
          for sample in metric.samples if not sample.name.endswith("_created")])
        for metric in registry.collect()
    ]  # fmt: skip


def as_metrics(snapshot: Mapping[str, Counted]) -> Iterator[Metric]:
    """Return a snapshot in the form that Prometheus' library writes."""
    for name, counted in snapshot.items():
        metric = Metric(name, counted.words, counted.kind)
        metric.samples = [
            Sample(sample, dict(labels), number)
            for (sample, labels), number in counted.samples.items()
        ]
        yield metric
