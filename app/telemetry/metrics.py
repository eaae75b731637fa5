"""What is counted and timed, in one registry a process, for Prometheus.

Owns the metrics with their labels, whose values come from closed lists only: no order number, no
customer, no address. What they mean is said here once; the reference page is made from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import start_http_server
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector

REGISTRY = CollectorRegistry()
_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_SLOW = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

# Of this process, as it works.
DELIVERIES = Counter(
    "demandlink_deliveries",
    "Deliveries by what came of them, as the HTTP status that they were answered with.",
    ("source", "status"),
    registry=REGISTRY,
)
SHED = Counter(
    "demandlink_deliveries_shed",
    "Deliveries refused because too many waited to be kept; their senders send them again.",
    ("source",),
    registry=REGISTRY,
)
DELIVERY_SECONDS = Histogram(
    "demandlink_delivery_seconds",
    "Seconds from a delivery's first byte to its answer, the commit included.",
    ("source",),
    buckets=_FAST,
    registry=REGISTRY,
)
STEPS = Counter(
    "demandlink_steps",
    "Attempts at steps by how they ended; code is the reason, empty for done.",
    ("step", "state", "code"),
    registry=REGISTRY,
)
STEP_SECONDS = Histogram(
    "demandlink_step_seconds",
    "Seconds that an attempt at a step took, its remote calls included.",
    ("step",),
    buckets=_SLOW,
    registry=REGISTRY,
)
CALLS = Counter(
    "demandlink_remote_calls",
    "Remote calls by their answer: 2xx, 4xx, 429, 5xx, or none.",
    ("system", "method", "answer"),
    registry=REGISTRY,
)
CALL_SECONDS = Histogram(
    "demandlink_remote_call_seconds",
    "Seconds until a remote call was answered, or given up.",
    ("system",),
    buckets=_SLOW,
    registry=REGISTRY,
)
CALLS_AT_ONCE = Gauge(
    "demandlink_calls_at_once",
    "Calls that the process sends to a system at once: fewer while it is slow or refuses.",
    ("system",),
    registry=REGISTRY,
)

TURNS_FAILED = Counter(
    "demandlink_turns_failed",
    "Turns of what a worker does beside the orders that ended by an error which nobody foresaw: the polls,"
    " the drift sweep, retention, alerts, the reading of hints, the asking of a sick system.",
    ("part",),
    registry=REGISTRY,
)
PRUNED = Counter(
    "demandlink_pruned_rows",
    "Rows that were deleted because their retention had passed: journal, calls, inbox or alerts.",
    ("what",),
    registry=REGISTRY,
)


@dataclass(frozen=True, slots=True)
class Described:
    """A value of the whole installation, read from the database when it is asked for."""

    name: str
    told: str
    labels: tuple[str, ...] = ()


ORDERS = Described(
    "demandlink_orders",
    "Orders that are not done, by where they stand, why, and who acts.",
    ("state", "code", "who"),
)
INBOX_AGE_SECONDS = Described(
    "demandlink_inbox_oldest_unmerged_seconds",
    "Age of the oldest delivery that is accepted and not merged yet; 0 for none.",
)
HINT_AGE_SECONDS = Described(
    "demandlink_hints_oldest_seconds",
    "Age of the oldest callback about a record that no order is known to carry and that was not looked at"
    " yet; 0 for none. ConnectWise has to be callable for that.",
)
DUE_AGE_SECONDS = Described(
    "demandlink_orders_oldest_due_seconds",
    "For how long an order that is due has not been taken up, at most; 0 for none.",
)
WORKERS = Described("demandlink_workers_alive", "Workers that hold their liveness lock.")
PAUSED = Described(
    "demandlink_connection_paused",
    "1 while a connection may not be called; by is service or person.",
    ("system", "by"),
)
DELIVERED_SECONDS = Described(
    "demandlink_last_delivery_seconds",
    "Seconds since a source delivered last; absent for one that did not among the last 10,000.",
    ("source",),
)
KEPT_OLDEST_SECONDS = Described(
    "demandlink_kept_oldest_seconds",
    "Age of the oldest row that is kept of journal, calls, inbox or alerts; absent for none. More than"
    " the retention where its order is open.",
    ("what",),
)
KEPT_BYTES = Described(
    "demandlink_kept_bytes",
    "Bytes on disk of journal, calls, inbox and alerts, indexes included. part is months, or before:"
    " what stood before there were months, or default: what no month takes; all where there are none.",
    ("what", "part"),
)
GAUGES = (
    ORDERS, INBOX_AGE_SECONDS, HINT_AGE_SECONDS, DUE_AGE_SECONDS, WORKERS, PAUSED, DELIVERED_SECONDS,
    KEPT_OLDEST_SECONDS, KEPT_BYTES,
)  # fmt: skip
COUNTED = (
    DELIVERIES, SHED, DELIVERY_SECONDS, STEPS, STEP_SECONDS, CALLS, CALL_SECONDS,
    CALLS_AT_ONCE, TURNS_FAILED, PRUNED,
)  # fmt: skip

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def answer_class(status: int | None) -> str:
    """An HTTP status as the label `answer`; None: there was no answer."""
    if status is None:
        return "none"
    return "429" if status == HTTPStatus.TOO_MANY_REQUESTS else f"{status // 100}xx"


def of_process() -> bytes:
    """What this process counted, in Prometheus' text form."""
    return generate_latest(REGISTRY)


def of_installation(values: Mapping[str, Sequence[tuple[tuple[str, ...], float]]]) -> bytes:
    """Values of the whole installation by metric name, in the same form: (labels, value)."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Read(values))
    return generate_latest(registry)


class _Read(Collector):
    def __init__(self, values: Mapping[str, Sequence[tuple[tuple[str, ...], float]]]) -> None:
        self._values = values

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for one in GAUGES:
            family = GaugeMetricFamily(one.name, one.told, labels=one.labels)
            for labels, value in self._values.get(one.name, ()):
                family.add_metric(labels, value)
            yield family


def serve(port: int) -> None:
    """Answer on a port of this process, in a thread of its own: for workers, which have no other.
    Raises OSError when the port is taken."""
    start_http_server(port, registry=REGISTRY)
