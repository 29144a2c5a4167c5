"""A round: a stack on an empty folder, a batch of stories told at once, and a nemesis meanwhile."""

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.chaos.batch import make_policies
from tests.chaos.caller import Caller
from tests.chaos.history import Event, History, of_kind
from tests.chaos.ledger import Ledger
from tests.chaos.nemesis import Nemesis, Weighted, all_faults
from tests.chaos.stack import Plan, Stack, running
from tests.chaos.stories import Story, World, read_report
from tests.processes import wait_until

_STORIES_AT_ONCE = 4
_TICK_S = 0.05
_LOOK_S = 0.25
_CLEANED_WITHIN_S = 60.0
"""The reconciler removes the markers of what ended while their remover was killed."""


@dataclass(frozen=True)
class Trouble:
    """How many faults may happen in a round, of which kinds (None: all), and the seconds between two of them."""

    left: int
    pause_s: tuple[float, float] = (1.5, 4.0)
    faults: Weighted | None = None


NONE = Trouble(left=0)


def play_round(
    folder: Path, history: History, stories: Sequence[Story], random: Random, trouble: Trouble, plan: Plan
) -> list[Event]:
    """Play one round with its data in `folder`; what happened in it."""
    first = len(history.events)
    with (
        running(folder / "data", plan, lambda text: history.add("supervisor", text=text)) as stack,
        closing(Caller(stack.url, history)) as caller,
    ):
        history.add("round", faults=trouble.left)
        world = World(caller, history, make_policies(folder / "policies"), calm=trouble.left == 0)
        ledger = Ledger(stack.store, stack.store_folder, history)
        faults = trouble.faults or all_faults(caller.is_asking)
        nemesis = Nemesis(stack, history, random, faults, trouble.left, trouble.pause_s)
        _tell(world, stack, stories, nemesis, ledger, first)
        _look_back(world, stack, ledger, first)
    return history.events[first:]


def _tell(world: World, stack: Stack, stories: Sequence[Story], nemesis: Nemesis, ledger: Ledger, first: int) -> None:
    """Let everything happen until the stories are told."""
    looked_at = 0.0
    with ThreadPoolExecutor(_STORIES_AT_ONCE) as threads:
        told: list[Future[None]] = [threads.submit(_tell_one, world, story) for story in stories]
        while not all(future.done() for future in told):
            stack.tend()
            nemesis.tick()
            if time.monotonic() - looked_at > _LOOK_S:
                ledger.look({event["id"] for event in _accepted(world, first) if event["work"] == "evaluation"})
                looked_at = time.monotonic()
            time.sleep(_TICK_S)
    nemesis.end()


def _tell_one(world: World, story: Story) -> None:
    try:
        story.tell(world, story.label, story.spec)
    except Exception as error:
        world.history.add("stuck", job=story.label, error=f"{type(error).__name__}: {error}")


def _look_back(world: World, stack: Stack, ledger: Ledger, first: int) -> None:
    """Once there are no more faults, see what every job has come to, and that it is what was shown before."""

    def is_clean() -> bool:
        stack.tend()
        return not stack.has_work()

    try:
        wait_until(is_clean, within_s=_CLEANED_WITHIN_S, what="the last marker's removal")
    except AssertionError:
        world.history.add("left", active=list(stack.store.list("active/")))
    for label, event in {event["job"]: event for event in _accepted(world, first)}.items():
        path = f"/v1/{event['work']}s/{event['id']}"
        with ThreadPoolExecutor(1) as asking:
            state = asking.submit(world.caller.look, label, path)
            while not state.done():
                stack.tend()
                time.sleep(_TICK_S)
        if event["work"] == "training":
            ledger.close_training(label, event["id"], state.result()["policy_id"])
        else:
            read_report(world, label, path)
            ledger.look({event["id"]})
            ledger.close(label, event["id"])


def _accepted(world: World, first: int) -> list[Event]:
    return of_kind(world.history.events[first:], "accepted")
