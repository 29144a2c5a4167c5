"""How long it takes from a fault until the job that it struck goes on, on a stack like production that is else idle."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import httpx

from saddlepoint.schemas import keys
from tests.chaos.batch import make_policies
from tests.chaos.caller import Caller
from tests.chaos.faults import Fault, kill_horse, kill_service, kill_worker, lose_valkey
from tests.chaos.history import History
from tests.chaos.stack import PRODUCTION, Stack, running
from tests.chaos.stories import World, evaluation_of
from tests.processes import is_running, wait_until

REPETITIONS = 3
_PATIENCE_S = 120.0
_GAME = {"env": "CartPole-v1", "epsilon": 0.3, "attacks": ["none", "ce"]}
_ONE_SHARD: dict[str, Any] = {**_GAME, "seeds": 1, "episodes_per_seed": 3}
_MANY_SHARDS: dict[str, Any] = {**_GAME, "seeds": 50, "episodes_per_seed": 5}


@dataclass(frozen=True)
class Recovery:
    """A fault, the evaluation that it strikes, what its going on is, and the seconds allowed."""

    fault: Fault
    game: Mapping[str, Any]
    goes_on: Callable[[Stack, str], Callable[[], bool]]
    within_s: float


def is_tried_again(stack: Stack, evaluation_id: str) -> Callable[[], bool]:
    """Whether more attempts have begun than now."""
    begun = len(_attempts(stack, evaluation_id))
    return lambda: len(_attempts(stack, evaluation_id)) > begun


def is_what_waited_begun(stack: Stack, evaluation_id: str) -> Callable[[], bool]:
    """Whether a shard has begun after all that runs now has ended: Redis alone knew that it waited."""
    running = stack.horses("evaluator")
    begun: list[int] = []

    def more_have_begun() -> bool:
        if not begun and not any(is_running(horse.pid) for horse in running):
            begun.append(len(_attempts(stack, evaluation_id)))
        return bool(begun) and len(_attempts(stack, evaluation_id)) > begun[0]

    return more_have_begun


def is_answered(stack: Stack, evaluation_id: str) -> Callable[[], bool]:
    """Whether the service tells of the evaluation."""

    def asks() -> bool:
        try:
            return httpx.get(f"{stack.url}/v1/evaluations/{evaluation_id}", trust_env=False).is_success
        except httpx.TransportError:
            return False

    return asks


RECOVERIES = {
    "horse killed": Recovery(kill_horse, _ONE_SHARD, is_tried_again, 2.0),
    "worker killed": Recovery(kill_worker, _ONE_SHARD, is_tried_again, 45.0),
    "service killed": Recovery(partial(kill_service, is_asked=lambda: True), _ONE_SHARD, is_answered, 5.0),
    "Redis killed and its data lost": Recovery(lose_valkey, _MANY_SHARDS, is_what_waited_begun, 60.0),
}


def measure(folder: Path, history: History) -> Iterator[tuple[str, float, list[float]]]:
    """Of every recovery its name, the seconds allowed, and those that it took each time."""
    random, first_seed = Random(0), count(0, 1000)
    with (
        running(folder / "data", PRODUCTION, lambda text: history.add("supervisor", text=text)) as stack,
        closing(Caller(stack.url, history)) as caller,
    ):
        world = World(caller, history, make_policies(folder / "policies"), calm=True)
        for name, recovery in RECOVERIES.items():
            taken = [_measure_one(world, stack, recovery, next(first_seed), random) for _ in range(REPETITIONS)]
            history.add("recovery", fault=name, within_s=recovery.within_s, taken_s=taken)
            yield name, recovery.within_s, taken


def _measure_one(world: World, stack: Stack, recovery: Recovery, first_seed: int, random: Random) -> float:
    spec = {**recovery.game, "seeds": list(range(first_seed, first_seed + recovery.game["seeds"]))}
    label = f"recovery {first_seed}"
    evaluation_id = evaluation_of(world, label, spec)
    _wait(stack, lambda: _attempts(stack, evaluation_id) and stack.horses("evaluator"), "the begin of the play")
    began, goes_on = time.monotonic(), recovery.goes_on(stack, evaluation_id)
    assert recovery.fault(stack, random), "nothing was struck"
    _wait(stack, goes_on, "its going on")
    taken_s = time.monotonic() - began
    _wait(stack, lambda: stack.store.exists(keys.evaluation_terminal(evaluation_id)), "the end")
    return round(taken_s, 2)


def _wait(stack: Stack, condition: Callable[[], object], what: str) -> None:
    def holds() -> object:
        stack.tend()
        return condition()

    wait_until(holds, within_s=_PATIENCE_S, what=what)


def _attempts(stack: Stack, evaluation_id: str) -> list[str]:
    return list(stack.store.list(f"evaluations/{evaluation_id}/attempts/"))
