"""Games that go on for ever in every lane, and can be brought back to where they were."""

from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saddlepoint.envs.interface import Actions
from saddlepoint.envs.seeding import episode_seed
from saddlepoint.schemas.environments import DiscreteSpace
from trainer.environments import Outcome, TrainingEnvironment

RECENT = 100
"""Games that the learning curve averages over."""


@dataclass(frozen=True)
class GamesState:
    """Where the games are: each lane's seed and the actions since. What happened follows from it."""

    started: int
    finished: int
    recent: list[float]
    seeds: list[int]
    actions: list[Actions]


class Games:
    """Plays one game after another in each lane and keeps their raw scores.

    The k-th game started gets the environment seed `episode_seed(seed, k)`. Emulators cannot be saved, but a game is a
    function of its seed and actions: `restore` plays the unfinished games again (seconds), after which everything
    is bit-equal to before.
    """

    def __init__(self, environment: TrainingEnvironment, lanes: int, seed: int) -> None:
        self.environment = environment
        self.lanes = lanes
        self.finished = 0
        self.recent: deque[float] = deque(maxlen=RECENT)
        self._seed = seed
        self._started = 0
        self._seeds = [0] * lanes
        self._history = [bytearray() for _ in range(lanes)]
        action = environment.description.action
        is_choice = isinstance(action, DiscreteSpace)
        self._row: tuple[int, ...] = () if is_choice else (action.n,)
        self._dtype = np.dtype(np.int64 if is_choice else np.float32)
        self._scores = np.zeros(lanes)

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
        self._scores += outcome.rewards
        for history, action in zip(self._history, actions, strict=True):
            history += action.tobytes()
        last = self.observations.copy() if outcome.truncated.any() else None
        done = np.flatnonzero(outcome.over).tolist()
        if done:
            self.finished += len(done)
            self.recent.extend(self._scores[done].tolist())
            self._begin(done)
        return outcome, last

    def state(self) -> GamesState:
        actions = [self._played(history) for history in self._history]
        return GamesState(self._started, self.finished, list(self.recent), list(self._seeds), actions)

    def restore(self, state: GamesState) -> None:
        """Bring every lane to where `state` was taken: all replays end together."""
        self._started, self.finished = state.started, state.finished
        self.recent = deque(state.recent, maxlen=RECENT)
        self._seeds = list(state.seeds)
        self._history = [bytearray(played.tobytes()) for played in state.actions]
        longest = max(map(len, state.actions))
        starts = [longest - len(played) for played in state.actions]
        self.environment.reset(range(self.lanes), self._seeds)
        for t in range(longest + 1):
            now = [lane for lane in range(self.lanes) if starts[lane] == t]
            if now and t:
                self.environment.reset(now, [self._seeds[lane] for lane in now])
            self._scores[now] = 0.0
            if t < longest:
                self._replay(t, starts, state.actions)

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
            self._seeds[lane] = episode_seed(self._seed, self._started)
            self._history[lane] = bytearray()
            self._started += 1
        self._scores[list(lanes)] = 0.0
        self.environment.reset(list(lanes), [self._seeds[lane] for lane in lanes])
