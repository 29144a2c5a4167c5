"""What the service asks of its store, for Prometheus."""

from prometheus_client import CollectorRegistry, Histogram

_BUCKETS = (0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10)


class StoreMetrics:
    """Registers itself with `registry`; called with every operation that `MeasuredStore` observes."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Histogram(
            "saddlepoint_store_seconds",
            "This process' operations on the store; of streams and lists their beginning.",
            ("operation", "outcome"),
            buckets=_BUCKETS,
            registry=registry,
        )

    def __call__(self, operation: str, outcome: str, seconds: float) -> None:
        self._seconds.labels(operation, outcome).observe(seconds)
