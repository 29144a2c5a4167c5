"""What workers count, summed in Redis, for they are many, short-lived and elsewhere; the service tells Prometheus.

Lost with Redis, which Prometheus takes for a restart. Labels have few values each, so the sums stay few.
"""

import json
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate

import redis

_KEY = "saddlepoint:tallies"
_FIELDS = 1024
"""Of the hash, that a process remembers."""


@dataclass(frozen=True)
class Tally:
    """Something that is counted, as Prometheus has it: a counter, or a histogram where there are `buckets`."""

    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


_SECONDS = (0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600)
_OPERATION_SECONDS = (0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10)

TALLIES: dict[str, Tally] = {
    "job_seconds": Tally(
        "How long jobs took, until they were done or failed.", ("queue", "task", "outcome"), buckets=_SECONDS
    ),
    "jobs_killed": Tally("Jobs whose process died of itself; each is tried again.", ("queue", "task")),
    "episodes": Tally("Episodes that workers played to their end."),
    "agent_steps": Tally("Steps that policies took, under attack or not."),
    "attack_steps": Tally(
        "Steps that attackers took on single observations: gradients, or of `square` queries.", ("kind",)
    ),
    "training_steps": Tally("Steps that trainings took in their games.", ("method",)),
    "worker_store_seconds": Tally(
        "Operations of workers, trainers and the reconciler on the store; of streams and lists their beginning.",
        ("operation", "outcome"),
        buckets=_OPERATION_SECONDS,
    ),
    "verdicts": Tally("Verdicts on uploads: accepted, or the code of the rejection.", ("code",)),
    "ended": Tally("Jobs of users that ended.", ("kind", "status", "code")),
}


@dataclass(frozen=True)
class Count:
    """One more, or `amount` more, of a tally; of a histogram, a value that was observed."""

    name: str
    labels: tuple[str, ...] = ()
    amount: float = 1.0


@dataclass
class Observed:
    """A counter's sum, or a histogram's with how many values lie at or below each of its buckets, and in all."""

    sum: float = 0.0
    below: list[int] = field(default_factory=list)


Totals = dict[str, dict[tuple[str, ...], Observed]]
"""By name and labels."""


def add(connection: redis.Redis, counts: Iterable[Count]) -> None:
    """Add to the sums, to each of them once however many counts there are. Raises redis.RedisError."""
    amounts: defaultdict[str, float] = defaultdict(float)
    for count in counts:
        tally = TALLIES[count.name]
        amounts[_field(count.name, "", count.labels)] += count.amount
        if tally.buckets:
            bucket = str(bisect_left(tally.buckets, count.amount))
            amounts[_field(count.name, bucket, count.labels)] += 1
    with connection.pipeline(transaction=False) as pipeline:
        for name, amount in amounts.items():
            pipeline.hincrbyfloat(_KEY, name, amount)
        pipeline.execute()


def totals(connection: redis.Redis) -> Totals:
    """Every sum. Raises redis.RedisError."""
    found: Totals = {name: {} for name in TALLIES}
    for key, value in connection.hgetall(_KEY).items():
        name, bucket, *labels = json.loads(key)
        if name not in TALLIES or len(labels) != len(TALLIES[name].labels):
            continue  # of another version, whose workers still work
        observed = found[name].setdefault(tuple(labels), Observed(below=[0] * (len(TALLIES[name].buckets) + 1)))
        if bucket:
            observed.below[int(bucket)] = int(float(value))
        else:
            observed.sum = float(value)
    for by_labels in found.values():
        for observed in by_labels.values():
            observed.below = list(accumulate(observed.below))
    return found


@lru_cache(_FIELDS)
def _field(name: str, bucket: str, labels: tuple[str, ...]) -> str:
    return json.dumps([name, bucket, *labels], separators=(",", ":"))
