"""What the service asks of its store, for Prometheus."""

from prometheus_client import CollectorRegistry, Histogram

from saddlepoint.queue import TALLIES


class StoreMetrics:
    """Registers itself with `registry`; called with every operation that `MeasuredStore` observes."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Histogram(
            "saddlepoint_store_seconds",
            "This process' operations on the store; of streams and lists their beginning.",
            ("operation", "outcome"),
            buckets=TALLIES["worker_store_seconds"].buckets,  # to be read beside those
            registry=registry,
        )

    def __call__(self, operation: str, outcome: str, seconds: float) -> None:
        self._seconds.labels(operation, outcome).observe(seconds)
