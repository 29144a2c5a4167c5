"""Games that go on for ever in every lane, and can be brought back to where they were."""

from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from saddlepoint.envs.interface import Actions
from saddlepoint.envs.seeding import episode_seed
from saddlepoint.schemas.environments import DiscreteSpace
from trainer.environments import Outcome, TrainingEnvironment
from trainer.processes import ALONE, Processes

RECENT = 100
"""Games that the learning curve averages over."""


@dataclass(frozen=True)
class GamesState:
    """Where the games of all processes are: each lane's seed and the actions since. What happened follows from it."""

    started: list[int]
    """By each lane."""
    finished: int
    recent: list[float]
    seeds: list[int]
    actions: list[Actions]


class Games:
    """Plays one game after another in each lane of this process and keeps the raw scores of those of all processes.

    Game k of lane l (from 0, of all `actors` lanes) gets the environment seed `episode_seed(seed, k * actors + l)`, so
    that no lane's games depend on how long those of another are. Emulators cannot be saved, but a game is a
    function of its seed and actions: `restore` plays the unfinished games again (seconds), after which everything
    is bit-equal to before.
    """

    def __init__(self, environment: TrainingEnvironment, actors: int, seed: int, processes: Processes = ALONE) -> None:
        self.environment = environment
        self.share = processes.lanes(actors)
        self.lanes = lanes = self.share.count
        self.finished = 0
        self.recent: deque[float] = deque(maxlen=RECENT)
        self._seed = seed
        self._processes = processes
        self._started = [0] * lanes
        self._seeds = [0] * lanes
        self._history = [bytearray() for _ in range(lanes)]
        action = environment.description.action
        is_choice = isinstance(action, DiscreteSpace)
        self._row: tuple[int, ...] = () if is_choice else (action.n,)
        self._dtype = np.dtype(np.int64 if is_choice else np.float32)
        self._scores = np.zeros(lanes)
        self._steps = 0
        self._ended: list[tuple[int, int, float]] = []

    def start(self) -> None:
        """The first game of every lane."""
        self._begin(range(self.lanes))

    @property
    def observations(self) -> NDArray[Any]:
        return self.environment.observations

    def step(self, actions: Actions) -> tuple[Outcome, NDArray[Any] | None]:
        """Act everywhere, and begin a new game where one ended.

        Also returns the observations from before these resets where a limit cut a game, else None.
        """
        outcome = self.environment.step(actions)
        self._steps += 1
        self._scores += outcome.rewards
        for history, action in zip(self._history, actions, strict=True):
            history += action.tobytes()
        last = self.observations.copy() if outcome.truncated.any() else None
        done = np.flatnonzero(outcome.over).tolist()
        if done:
            self._ended += [(self._steps, self.share.first + lane, float(self._scores[lane])) for lane in done]
            self._begin(done)
        return outcome, last

    def settle(self) -> None:
        """Count the games that ended since the last time in any process, in the order of a single one."""
        ended = torch.tensor(self._ended, dtype=torch.float64).reshape(-1, 3)
        scores = [score for *_, score in sorted(torch.cat(self._processes.gather(ended)).tolist())]
        self.finished += len(scores)
        self.recent.extend(scores)
        self._ended = []

    def state(self) -> GamesState:
        """Of all processes, each of which has to ask."""
        actions = [self._played(history) for history in self._history]
        gathered = self._processes.gather(torch.tensor([self._started, self._seeds, list(map(len, actions))]).T)
        started, seeds, lengths = torch.cat(gathered).T.tolist()
        played = torch.cat(self._processes.gather(torch.from_numpy(np.concatenate(actions))))
        everywhere = [lane.numpy() for lane in torch.split(played, lengths)]
        return GamesState(started, self.finished, list(self.recent), seeds, everywhere)

    def restore(self, state: GamesState) -> None:
        """Bring every lane to where `state` was taken, by any number of processes: all replays end together."""
        own = slice(self.share.first, self.share.first + self.lanes)
        self.finished, self.recent = state.finished, deque(state.recent, maxlen=RECENT)
        self._started, self._seeds = list(state.started[own]), list(state.seeds[own])
        actions = state.actions[own]
        self._history = [bytearray(played.tobytes()) for played in actions]
        longest = max(map(len, actions))
        starts = [longest - len(played) for played in actions]
        self.environment.reset(range(self.lanes), self._seeds)
        for t in range(longest + 1):
            now = [lane for lane in range(self.lanes) if starts[lane] == t]
            if now and t:
                self.environment.reset(now, [self._seeds[lane] for lane in now])
            self._scores[now] = 0.0
            if t < longest:
                self._replay(t, starts, actions)

    def _replay(self, t: int, starts: list[int], played: list[Actions]) -> None:
        actions = np.zeros((self.lanes, *self._row), self._dtype)
        for lane, start in enumerate(starts):
            if t >= start:
                actions[lane] = played[lane][t - start]
        self._scores += self.environment.step(actions).rewards

    def _played(self, history: bytearray) -> Actions:
        actions: Actions = np.frombuffer(bytes(history), self._dtype).reshape(-1, *self._row).copy()
        return actions

    def _begin(self, lanes: range | list[int]) -> None:
        for lane in lanes:
            number = self._started[lane] * self.share.total + self.share.first + lane
            self._seeds[lane] = episode_seed(self._seed, number)
            self._history[lane] = bytearray()
            self._started[lane] += 1
        self._scores[list(lanes)] = 0.0
        self.environment.reset(list(lanes), [self._seeds[lane] for lane in lanes])
