"""What a worker says and asks about once a second while it plays."""

import time
from collections.abc import Callable, Iterable

from saddlepoint.errors import Canceled, Unavailable
from saddlepoint.evaluation.steps import StepsTaken
from saddlepoint.queue import Count
from saddlepoint.schemas import keys
from saddlepoint.schemas.plans import EpisodeId
from worker.context import Context

_INTERVAL_S = 1.0
_SULK_S = 10.0
"""Hints are not worth waiting for: after a failure Redis is left alone for a while."""


class Heartbeat:
    """Called with the steps so far after every step of the batch; raises Canceled once the evaluation has ended."""

    def __init__(
        self,
        context: Context,
        evaluation_id: str,
        shard: int,
        *,
        alive: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._queue = context.store, context.queue
        self._evaluation_id, self._shard = evaluation_id, shard
        self._alive, self._clock = alive, clock
        self._next = self._silent_until = clock()
        self._taken = self._counted = StepsTaken()

    def __call__(self, taken: StepsTaken) -> None:
        self._taken = taken
        now = self._clock()
        if now < self._next:
            return
        self._next = now + _INTERVAL_S
        self._alive()
        self.check_canceled()
        self._say(lambda: self._queue.set_phase(self._evaluation_id, "processing"))
        self._say(lambda: self._queue.record_steps(self._evaluation_id, self._shard, taken.agent))
        self.count()

    def count(self) -> None:
        """Count the steps since it was done last."""
        fresh, self._counted = self._taken.since(self._counted), self._taken
        attacks = [Count("attack_steps", (kind,), steps) for kind, steps in fresh.attack.items()]
        self._say(lambda: self._queue.tally(Count("agent_steps", amount=fresh.agent), *attacks))

    def check_canceled(self) -> None:
        """Raise Canceled if somebody canceled the evaluation, or ended it otherwise."""
        for key in (keys.evaluation_cancel(self._evaluation_id), keys.evaluation_terminal(self._evaluation_id)):
            if self._store.exists(key):
                raise Canceled(f"The evaluation {self._evaluation_id} has ended.")

    def starting(self, finished: Iterable[EpisodeId]) -> None:
        """Say that a worker loads, and which episodes need not be played again."""
        self._say(lambda: self._queue.set_phase(self._evaluation_id, "starting"))
        self.finished(*finished)

    def played(self, *episodes: EpisodeId) -> None:
        """Say that these episodes are finished, and count them."""
        self.finished(*episodes)
        self._say(lambda: self._queue.tally(Count("episodes", amount=len(episodes))))

    def finished(self, *episodes: EpisodeId) -> None:
        """Say that these episodes are finished."""
        self._say(lambda: self._queue.record_episodes(self._evaluation_id, episodes))

    def _say(self, hint: Callable[[], None]) -> None:
        if self._clock() < self._silent_until:
            return
        try:
            hint()
        except Unavailable:
            self._silent_until = self._clock() + _SULK_S
