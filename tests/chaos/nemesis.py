"""Who lets faults happen, one after the other, and keeps book of them."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from random import Random

from tests.chaos.faults import (
    Fault,
    fail_writes,
    fill_disk,
    freeze_worker,
    kill_horse,
    kill_reconciler,
    kill_service,
    kill_valkey,
    kill_worker,
    lose_valkey,
    wipe_valkey,
)
from tests.chaos.history import History
from tests.chaos.stack import Stack

_PATIENCE_S = 4.0
"""How long a fault waits for something at work to strike, before another one has its turn."""

Weighted = Mapping[str, tuple[int, Fault]]


def all_faults(is_asked: Callable[[], bool]) -> Weighted:
    """Every fault by name, with how often it happens; `is_asked` says whether the service is amid a request."""
    return {
        "kill horse": (4, kill_horse),
        "kill worker": (3, kill_worker),
        "kill service": (2, partial(kill_service, is_asked=is_asked)),
        "kill reconciler": (1, kill_reconciler),
        "kill validator": (1, partial(kill_worker, role="validator")),
        "kill validator horse": (1, partial(kill_horse, role="validator")),
        "kill trainer": (1, partial(kill_worker, role="trainer")),
        "kill trainer horse": (2, partial(kill_horse, role="trainer")),
        "kill valkey": (1, kill_valkey),
        "lose valkey": (1, lose_valkey),
        "wipe valkey": (1, wipe_valkey),
        "freeze worker": (2, freeze_worker),
        "fail writes": (2, fail_writes),
        "fill disk": (1, fill_disk),
    }


@dataclass
class Nemesis:
    """Lets faults happen with pauses (seconds, at least and at most) while it is asked to, up to `left` of them."""

    stack: Stack
    history: History
    random: Random
    faults: Weighted
    left: int
    pause_s: tuple[float, float]
    due_s: float = field(default_factory=time.monotonic)
    undo: list[tuple[float, str, Callable[[], None]]] = field(default_factory=list)
    wanted: str = ""
    """The fault whose turn it is."""
    wanted_until_s: float = 0.0

    def tick(self) -> None:
        """Do what is due."""
        self._undo(time.monotonic())
        if self.left and time.monotonic() >= self.due_s and self._strike():
            self.left -= 1
            self.due_s = time.monotonic() + self.random.uniform(*self.pause_s)

    def end(self) -> None:
        """Undo what is still to be undone."""
        self._undo(float("inf"))

    def _strike(self) -> bool:
        """Let a fault happen; False where there was nothing for it to strike."""
        if time.monotonic() > self.wanted_until_s:
            (self.wanted,) = self.random.choices(list(self.faults), [weight for weight, _ in self.faults.values()])
            self.wanted_until_s = time.monotonic() + _PATIENCE_S
        hit = self.faults[self.wanted][1](self.stack, self.random)
        if hit is None:
            return False
        self.history.add("fault", fault=self.wanted, role=hit.role, pid=hit.pid, at_work=hit.at_work)
        if hit.undo:
            self.undo.append((time.monotonic() + hit.undo_after_s, self.wanted, hit.undo))
        self.wanted_until_s = 0.0
        return True

    def _undo(self, now: float) -> None:
        for entry in [entry for entry in self.undo if entry[0] <= now]:
            self.undo.remove(entry)
            entry[2]()
            self.history.add("undone", fault=entry[1])
