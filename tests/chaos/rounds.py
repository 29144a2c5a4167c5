"""A round: a stack on an empty folder, a batch of stories told at once, and a nemesis meanwhile."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.chaos.batch import make_policies
from tests.chaos.caller import Caller
from tests.chaos.history import Event, History, of_kind
from tests.chaos.ledger import Ledger
from tests.chaos.nemesis import Nemesis, Weighted, all_faults
from tests.chaos.stack import Plan, Stack, is_ready, running
from tests.chaos.stories import Story, World, read_report
from tests.processes import wait_until

_STORIES_AT_ONCE = 5
_TICK_S = 0.05
_LOOK_S = 0.25
_QUIET_WITHIN_S = 60.0
"""The service may have to start again, and the reconciler to remove markers whose remover was killed."""


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
        faults = trouble.faults or all_faults(caller.is_asking)
        _Round(
            World(caller, history, make_policies(folder / "policies"), calm=trouble.left == 0),
            stack,
            Nemesis(stack, history, random, faults, trouble.left, trouble.pause_s),
            Ledger(stack.store, stack.store_folder, history),
            first,
        ).play(stories)
    return history.events[first:]


@dataclass
class _Round:
    world: World
    stack: Stack
    nemesis: Nemesis
    ledger: Ledger
    first: int
    """Of the events of this round."""
    looked_at_s: float = 0.0

    def play(self, stories: Sequence[Story]) -> None:
        with ThreadPoolExecutor(_STORIES_AT_ONCE) as threads:
            told = [threads.submit(_tell, self.world, story) for story in stories]
            try:
                while not all(future.done() for future in told):
                    self.step()
            except BaseException:
                self.world.caller.close()  # which ends the stories
                raise
        self.nemesis.end()
        self.look_back()

    def step(self) -> None:
        """Do what is due meanwhile."""
        self.stack.tend()
        self.nemesis.tick()
        if time.monotonic() - self.looked_at_s > _LOOK_S:
            self.ledger.look({event["id"] for event in self.accepted() if event["work"] == "evaluation"})
            self.looked_at_s = time.monotonic()
        time.sleep(_TICK_S)

    def accepted(self) -> list[Event]:
        return of_kind(self.world.history.events[self.first :], "accepted")

    def look_back(self) -> None:
        """Once there are no more faults, see what every job has come to, and that it is what was shown before."""
        try:
            wait_until(self.is_quiet, within_s=_QUIET_WITHIN_S, what="the end of all work")
        except AssertionError:
            self.world.history.add("left", active=list(self.stack.store.list("active/")))
        for event in {event["job"]: event for event in self.accepted()}.values():
            self.look_back_at(event["job"], event["id"], event["work"])

    def is_quiet(self) -> bool:
        return is_ready(self.stack) and not self.stack.has_work()

    def look_back_at(self, label: str, job_id: str, work: str) -> None:
        path = f"/v1/{work}s/{job_id}"
        state = self.world.caller.look(label, path)
        if work == "training":
            self.ledger.close_training(label, job_id, state["policy_id"])
        else:
            read_report(self.world, label, path)
            self.ledger.look({job_id})
            self.ledger.close(label, job_id)


def _tell(world: World, story: Story) -> None:
    try:
        story.tell(world, story.label, story.spec)
    except Exception as error:
        world.history.add("stuck", job=story.label, error=f"{type(error).__name__}: {error}")
