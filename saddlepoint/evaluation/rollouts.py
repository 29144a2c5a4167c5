"""A few unattacked episodes side by side, to look at their states."""

from collections.abc import Iterator, Sequence
from typing import Any

from numpy.typing import NDArray

from saddlepoint.envs.interface import LaneEnvironment
from saddlepoint.evaluation.acting import Actor
from saddlepoint.evaluation.lanes import Episode, digested
from saddlepoint.schemas.plans import EpisodeId, PlannedCell


class Rollout:
    """One episode a lane, of the first lanes; the others stay idle."""

    def __init__(
        self, actor: Actor, environment: LaneEnvironment, cell: PlannedCell, entries: Sequence[EpisodeId]
    ) -> None:
        self.episodes = [Episode(lane, entry, cell) for lane, entry in enumerate(entries)]
        self._actor, self._environment = actor, environment

    def states(self, most_steps: int) -> Iterator[tuple[NDArray[Any], list[Episode | None]]]:
        """The observations before each step, and the episodes that go on; to read until the next one is asked for."""
        running: list[Episode | None] = [*self.episodes, *[None] * (self._environment.lanes - len(self.episodes))]
        self._environment.reset([e.lane for e in self.episodes], [e.environment_seed for e in self.episodes])
        self._actor.assign(running)
        for _ in range(most_steps):
            yield self._environment.observations, running
            if not self._step(running):
                return

    def _step(self, running: list[Episode | None]) -> bool:
        actions = self._actor.act(self._environment.observations, running).actions
        after = self._environment.step(actions)
        before, taken = running.count(None), digested(actions)
        for episode in filter(None, list(running)):
            lane = episode.lane
            episode.advance(taken[lane], float(after.rewards[lane]))
            if after.terminated[lane] or after.truncated[lane]:
                running[lane] = None
        if running.count(None) > before:
            self._actor.assign(running)
        return any(running)
