"""What Prometheus is told: this process' requests, and of Redis what waits, who works, what is open and was counted.

Nothing is listed in the store, so a scrape costs the same however many evaluations there are. Numbers from Redis are of
the whole stack and the same from every replica; those of requests are of the process that answers.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from saddlepoint import __version__
from saddlepoint.errors import Unavailable
from saddlepoint.queue import TALLIES, Activity, JobQueue, Observed, Tally, Totals
from service.http_metrics import HttpMetrics
from service.open_metrics import of_census
from service.store_metrics import StoreMetrics

_PREFIX = "saddlepoint_"


class Metrics:
    """The metrics of a service over a queue."""

    def __init__(self, queue: JobQueue) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_OfRedis(queue))
        self.http = HttpMetrics(self._registry)
        self.refusals = Counter(
            "saddlepoint_refusals",
            "Requests with a key that is none, or not good for it.",
            ("why",),
            registry=self._registry,
        )
        self.store = StoreMetrics(self._registry)

    def text(self) -> bytes:
        """In Prometheus' text format, also while Redis is away."""
        return generate_latest(self._registry)


class _OfRedis(Collector):
    def __init__(self, queue: JobQueue) -> None:
        self._queue = queue

    def describe(self) -> list[Metric]:
        """Nothing beforehand: registering must not ask Redis."""
        return []

    def collect(self) -> Iterator[Metric]:
        yield InfoMetricFamily(f"{_PREFIX}build", "What answers.", value={"version": __version__})
        try:
            activity, totals, census = self._queue.activity(), self._queue.totals(), self._queue.census()
        except Unavailable:
            yield GaugeMetricFamily(f"{_PREFIX}redis_up", "Whether Redis answers.", value=0)
            return
        yield GaugeMetricFamily(f"{_PREFIX}redis_up", "Whether Redis answers.", value=1)
        yield from _of_activity(activity)
        yield from _of_totals(totals)
        if census is not None:
            yield from of_census(census)


def _of_activity(activity: Activity) -> Iterator[Metric]:
    now = datetime.now(UTC)
    waiting = GaugeMetricFamily(f"{_PREFIX}queue_waiting", "Jobs that wait.", labels=("queue",))
    running = GaugeMetricFamily(f"{_PREFIX}queue_running", "Jobs that run.", labels=("queue",))
    oldest = GaugeMetricFamily(
        f"{_PREFIX}queue_oldest_seconds", "How long the oldest job has waited; 0 where none does.", labels=("queue",)
    )
    workers = GaugeMetricFamily(
        f"{_PREFIX}workers", "Workers that gave a sign of life lately.", labels=("queue", "state")
    )
    longest = GaugeMetricFamily(
        f"{_PREFIX}job_longest_seconds", "How long the longest of the running jobs has run.", labels=("queue",)
    )
    for queue in activity.queues:
        own = [worker for worker in activity.workers if worker.queue == queue.name]
        tasks = [worker.task for worker in own if worker.task is not None]
        waiting.add_metric((queue.name,), queue.waiting)
        running.add_metric((queue.name,), queue.running)
        oldest.add_metric((queue.name,), (now - queue.oldest.since).total_seconds() if queue.oldest else 0)
        workers.add_metric((queue.name, "busy"), len(tasks))
        workers.add_metric((queue.name, "idle"), len(own) - len(tasks))
        longest.add_metric((queue.name,), max(((now - task.since).total_seconds() for task in tasks), default=0))
    yield from (waiting, running, oldest, workers, longest)


def _of_totals(totals: Totals) -> Iterator[Metric]:
    for name, tally in TALLIES.items():
        make = _histogram if tally.buckets else _counter
        yield make(_PREFIX + name, tally, totals[name])


def _counter(name: str, tally: Tally, totals: Mapping[tuple[str, ...], Observed]) -> Metric:
    metric = CounterMetricFamily(name, tally.help, labels=tally.labels)
    for labels, observed in totals.items():
        metric.add_metric(labels, observed.sum)
    if not tally.labels and not totals:
        metric.add_metric((), 0)
    return metric


def _histogram(name: str, tally: Tally, totals: Mapping[tuple[str, ...], Observed]) -> Metric:
    metric = HistogramMetricFamily(name, tally.help, labels=tally.labels)
    for labels, observed in totals.items():
        bounds = (*map(str, tally.buckets), "+Inf")
        metric.add_metric(labels, list(zip(bounds, map(float, observed.below), strict=True)), observed.sum)
    return metric
