"""What grows with what waits: real queue, store, reconciler and workers, a tenth of the shards against all of them.

`python -m tests.benchmarks many`. A ratio of 10 is linear in the shards, one of 1 does not depend on them.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

import redis

from saddlepoint.queue import EVALUATE, SHARD
from saddlepoint.schemas.environments import EnvironmentSpec, describe_atari
from saddlepoint.schemas.evaluations import EvaluationRecord, EvaluationSpec
from saddlepoint.schemas.plans import Plan, make_plan
from saddlepoint.store import Store, open_store
from saddlepoint.submission import submit_evaluation
from tests.benchmarks.measuring import Figure, seconds
from tests.many.bucket import URL, environment, running_bucket
from tests.processes import running, wait_until
from tests.valkey import running_valkey
from tests.worker.world import NOW, make_card, make_context
from worker.context import Context
from worker.reconciling import Reconciler

SHARDS = 20_000
FEW = SHARDS // 10
ENVIRONMENT = "BoxingNoFrameskip-v4"
SEEDS, EPISODES = 100, 20
"""Of an evaluation under one attack and none."""
IN_BUCKET = 5_000
WINDOW_S = 15.0
QUEUE = f"rq:queue:{EVALUATE}"


@dataclass(frozen=True)
class Load:
    """What was measured with so many shards waiting."""

    shards: int
    accepted_per_s: float
    again_ms: float
    """Milliseconds to find that a shard waits already."""
    pass_ms: float
    """Of the reconciler, where nothing lacks."""
    redis_bytes_per_shard: float


GOALS: dict[str, tuple[str, float, bool]] = {
    "accepted_per_s": ("shards/s", 0.5, False),
    "again_ms": ("ms", 10.0, True),
    "pass_ms": ("ms", 15.0, True),
    "redis_bytes_per_shard": ("bytes", 1.2, True),
}
"""By figure its unit, and what the ratio of many to few may be: at least, or where True at most."""


def many_figures() -> list[Figure]:
    """Minutes long."""
    with queued(FEW) as (_, few):
        pass
    with queued(SHARDS) as (url, many):
        drained = [_drain_rate(url, workers) for workers in (2, 8)]
    growing = [growth(name, few, many) for name in (field.name for field in fields(Load)[1:])]
    return [
        *growing,
        Figure("drained_by_8_not_2", drained[1], "shards/s", drained[0], drained[1] / drained[0], None),
        _idle_commands(),
        _listed("listed_in_folder", _in_folder(FEW), _in_folder(SHARDS), goal=15.0),
        _listed("listed_in_bucket", *_in_bucket(IN_BUCKET // 10, IN_BUCKET)),
    ]


def growth(name: str, few: Load, many: Load) -> Figure:
    unit, goal, at_most = GOALS[name]
    before, after = getattr(few, name), getattr(many, name)
    return Figure(f"many_{name}", after, unit, before, after / before, goal, at_most)


@contextmanager
def queued(shards: int) -> Iterator[tuple[str, Load]]:
    """That many shards of several evaluations, accepted and waiting."""
    with tempfile.TemporaryDirectory() as folder, running_valkey() as url:
        context = make_context(Path(folder), url)
        plan, before = _plan(), _used_bytes(url)
        evaluations = -(-shards // len(plan.shards))
        waiting = evaluations * len(plan.shards)
        accepted_s = seconds(lambda: _submit(context, plan, evaluations))
        held = (_used_bytes(url) - before) / waiting
        reconciler = Reconciler(context)
        reconciler.run_pass()  # which reads the plans
        yield (
            url,
            Load(
                shards=waiting,
                accepted_per_s=waiting / accepted_s,
                again_ms=1000 * _again_s(context),
                pass_ms=1000 * min(seconds(reconciler.run_pass) for _ in range(3)),
                redis_bytes_per_shard=held,
            ),
        )


def _plan() -> Plan:
    """An evaluation of 4000 whole games."""
    environment = describe_atari(EnvironmentSpec(id=ENVIRONMENT))
    return make_plan(_record("evaluation"), make_card(), environment, default_precision="fp32")


def _record(evaluation_id: str) -> EvaluationRecord:
    spec = EvaluationSpec.model_validate(
        {"env": ENVIRONMENT, "seeds": SEEDS, "episodes_per_seed": EPISODES, "attacks": ["none", "ce"]}
    )
    return EvaluationRecord(id=evaluation_id, owner="owner", policy_id="policy", spec=spec, created_at=NOW)


def _submit(context: Context, plan: Plan, evaluations: int) -> None:
    for number in range(evaluations):
        evaluation_id = f"evaluation-{number}"
        of_it = plan.model_copy(update={"evaluation_id": evaluation_id})
        submit_evaluation(context.store, context.queue, _record(evaluation_id), of_it)


def _again_s(context: Context) -> float:
    def enqueue() -> None:
        context.queue.enqueue(SHARD, "evaluation-0", "0", timeout_s=60)

    return min(seconds(enqueue) for _ in range(10))


def _used_bytes(url: str) -> int:
    with redis.Redis.from_url(url) as client:
        return int(client.info("memory")["used_memory"])


@contextmanager
def _evaluators(url: str, count: int) -> Iterator[redis.Redis]:
    """That many workers, registered."""
    with ExitStack() as cleanup:
        client = cleanup.enter_context(redis.Redis.from_url(url))
        for _ in range(count):
            cleanup.enter_context(running("-m", "tests.benchmarks.idle_evaluator", SADDLEPOINT_REDIS_URL=url))
        wait_until(lambda: client.scard("rq:workers") >= count, within_s=240, what="the start of the workers")
        yield client
    with redis.Redis.from_url(url) as client:
        client.delete("rq:workers")  # they were killed


def _drain_rate(url: str, workers: int) -> float:
    """Shards a second that so many workers take."""
    with _evaluators(url, workers) as client:
        first, began = client.llen(QUEUE), time.perf_counter()
        time.sleep(WINDOW_S)
        last = client.llen(QUEUE)
        assert last, "the queue ran empty"
        return (first - last) / (time.perf_counter() - began)


def _idle_commands() -> Figure:
    """Commands a second that a worker without work sends to Redis."""
    rates = []
    for count in (2, 8):
        with running_valkey() as url, _evaluators(url, count) as client:
            time.sleep(2.0)
            first, began = client.info("stats")["total_commands_processed"], time.perf_counter()
            time.sleep(2 * WINDOW_S)
            last = client.info("stats")["total_commands_processed"]
            rates.append((last - first) / (time.perf_counter() - began) / count)
    return Figure("idle_commands_a_worker", rates[1], "commands/s", rates[0], rates[1] / rates[0], 1.5, at_most=True)


def _listed(name: str, few_s: float, many_s: float, goal: float | None = None) -> Figure:
    return Figure(name, 1000 * many_s, "ms", 1000 * few_s, many_s / few_s, goal, at_most=True)


def _in_folder(count: int) -> float:
    """Seconds to list so many keys."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(folder)
        kept = Path(folder, "episodes", "cell")
        kept.mkdir(parents=True)
        for number in range(count):
            (kept / f"{number:06}").touch()  # what is in them is not looked at
        return min(_list_s(store, count) for _ in range(3))


def _in_bucket(few: int, many: int) -> tuple[float, float]:
    with running_bucket() as variables, environment(variables):
        store = open_store(URL)
        taken = []
        for first, count in ((0, few), (few, many)):
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                list(pool.map(lambda number: store.put(f"episodes/cell/{number:06}", b""), range(first, count)))
            taken.append(min(_list_s(store, count) for _ in range(3)))
        return taken[0], taken[1]


def _list_s(store: Store, count: int) -> float:
    found: list[str] = []
    taken = seconds(lambda: found.extend(store.list("episodes/")))
    assert len(found) == count
    return taken
