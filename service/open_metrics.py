"""What is open, for Prometheus: whether it is stuck."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import product
from typing import get_args

from prometheus_client.core import GaugeMetricFamily, Metric

from saddlepoint.queue import Census, Phase
from saddlepoint.work import EVALUATION, TRAINING

_NAME = "saddlepoint_open"
_LABELS = ("kind", "status")


def of_census(census: Census) -> Iterator[Metric]:
    """Every kind and status, also those that nothing has: a series that is missing raises no alert."""
    now = datetime.now(UTC)
    count = GaugeMetricFamily(_NAME, "Evaluations and trainings that have not ended.", labels=_LABELS)
    oldest = GaugeMetricFamily(
        f"{_NAME}_oldest_seconds", "How long ago the oldest of them was accepted; 0 without any.", labels=_LABELS
    )
    still = GaugeMetricFamily(
        f"{_NAME}_still_seconds", "The longest that one of them has shown no progress; 0 without any.", labels=_LABELS
    )
    works = {(work.kind, work.status): work for work in census.works}
    for kind, status in product((EVALUATION.name, TRAINING.name), get_args(Phase)):
        work = works.get((kind, status))
        count.add_metric((kind, status), work.count if work else 0)
        oldest.add_metric((kind, status), (now - work.oldest).total_seconds() if work else 0)
        still.add_metric((kind, status), (now - work.still).total_seconds() if work else 0)
    age = (now - census.at).total_seconds()
    yield from (count, oldest, still)
    yield GaugeMetricFamily(f"{_NAME}_counted_seconds", "How long ago the reconciler looked at them.", value=age)
