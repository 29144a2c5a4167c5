"""Episodes played through lanes by a policy that is a function of (seed, step) alone."""

import hashlib
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from saddlepoint.envs.lanes import LaneEnvironment
from saddlepoint.envs.seeding import Purpose, stream
from saddlepoint.schemas.environments import ContinuousSpace, DiscreteSpace


class Trace(NamedTuple):
    """What an episode left behind; `frames` is a digest of all its observations."""

    score: float
    length: int
    terminated: bool
    truncated: bool
    frames: str


def action(seed: int, step: int, actions: int) -> int:
    """The same action for the same seed and step, wherever and whenever it is asked for."""
    return int(stream(seed, 0, step, Purpose.EXPLORATION).integers(actions))


def numbers(seed: int, step: int, count: int) -> NDArray[np.float32]:
    """Like `action`, for continuous spaces: now and then beyond any bounds of size one."""
    return stream(seed, 0, step, Purpose.EXPLORATION).standard_normal(count, dtype=np.float32)


def chosen_by(seed: int, step: int, space: DiscreteSpace | ContinuousSpace) -> int | NDArray[np.float32]:
    """The action of either kind of space."""
    return action(seed, step, space.n) if isinstance(space, DiscreteSpace) else numbers(seed, step, space.n)


class _Episode:
    def __init__(self, seed: int, first: NDArray[np.generic]) -> None:
        self.seed, self.steps, self.score = seed, 0, 0.0
        self._frames = hashlib.sha256(first.tobytes())

    def add(self, observation: NDArray[np.generic], reward: float) -> None:
        self.steps += 1
        self.score += reward
        self._frames.update(observation.tobytes())

    def trace(self, terminated: bool, truncated: bool) -> Trace:
        return Trace(self.score, self.steps, terminated, truncated, self._frames.hexdigest())


def play(
    env: LaneEnvironment, seeds: Sequence[int], *, pause: Callable[[int], int] = lambda lane: 0
) -> dict[int, Trace]:
    """Each seed once, in whichever lane is free; a lane idles `pause(lane)` steps between games.

    Idle lanes are given changing actions, so that whatever they do could show.
    """
    waiting, traces, clock = list(seeds), {}, 0
    playing: dict[int, _Episode] = {}
    free_at = dict.fromkeys(range(env.lanes), 0)
    space = env.description.action
    while waiting or playing:
        _start(env, playing, waiting, [lane for lane in free_at if free_at[lane] <= clock])
        chosen = np.array([chosen_by(clock, lane, space) for lane in range(env.lanes)])
        for lane, episode in playing.items():
            chosen[lane] = chosen_by(episode.seed, episode.steps, space)
        step, clock = env.step(chosen), clock + 1
        for lane, episode in list(playing.items()):
            episode.add(env.observations[lane], float(step.rewards[lane]))
            ended, cut = bool(step.terminated[lane]), bool(step.truncated[lane])
            if ended or cut:
                traces[episode.seed] = playing.pop(lane).trace(ended, cut)
                free_at[lane] = clock + pause(lane)
    return traces


def _start(env: LaneEnvironment, playing: dict[int, _Episode], waiting: list[int], ready: list[int]) -> None:
    lanes = [lane for lane in ready if lane not in playing][: len(waiting)]
    seeds = [waiting.pop(0) for _ in lanes]
    if lanes:
        env.reset(lanes, seeds)
    for lane, seed in zip(lanes, seeds, strict=True):
        playing[lane] = _Episode(seed, env.observations[lane])
