"""Writing the trace of an episode while it is played.

What is shown then is what was played, bit for bit: playing it again in a batch of another width would change last bits,
and after a few hundred steps the game.
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from saddlepoint.evaluation.acting import Actor, Decision
from saddlepoint.evaluation.lanes import Episode
from saddlepoint.evaluation.pictures import newest
from saddlepoint.evaluation.traces import MOMENTS, MOST_ENTRIES, Moment, Trace

_MOST_STRETCHES = 8 * MOMENTS
_MOST_PIXELS = 3 * 256 * 256
"""Of a frame that is kept: some dozens of them are held while an episode is played."""
_MEASURES = {"kl": "kl_sum", "flips": "flips", "shift": "action_shift_sum"}
"""Names of a trace, and of the measures that they are."""
Rank = tuple[float, float]


class Recorder:
    """The trace of an episode under way."""

    def __init__(self, episode: Episode, shape: tuple[int, ...]) -> None:
        """`shape` is that of an observation."""
        self._episode = episode
        self._keeps_entries = len(shape) == 1 and shape[0] <= MOST_ENTRIES
        self._keeps_frames = newest(np.empty(shape, np.float32)).size <= _MOST_PIXELS
        self._actions: list[Any] = []
        self._rewards: list[float] = []
        self._observations: list[NDArray[np.float32]] = []
        self._measures: dict[str, list[float]] = {}
        self._highlights = _Highlights()

    def add(self, actor: Actor, decision: Decision, reward: float) -> None:
        """Note a step that was taken, before the episode advances."""
        lane = self._episode.lane
        self._actions.append(decision.actions[lane].copy())
        self._rewards.append(reward)
        if self._keeps_entries:
            self._observations.append(decision.observation[lane].cpu().numpy().copy())
        measures = self._measured(decision)
        rank = (measures.get("flips", 0.0), measures.get("kl", measures.get("shift", 0.0)))
        if rank[1] > 0 and self._keeps_frames:
            self._highlights.offer(self._episode.length, rank, lambda: _moment(actor, decision, self._episode))

    def _measured(self, decision: Decision) -> dict[str, float]:
        sums = decision.measures.sums
        measures = {name: float(sums[own][self._episode.lane]) for name, own in _MEASURES.items() if own in sums}
        for name, value in measures.items():
            self._measures.setdefault(name, []).append(value)
        return measures

    def trace(self) -> Trace:
        """Of all steps so far."""
        return Trace(
            np.array(self._actions),
            np.array(self._rewards),
            np.array(self._observations) if self._observations else None,
            {name: np.array(values) for name, values in self._measures.items()},
            self._highlights.spread(len(self._actions)),
        )


def _moment(actor: Actor, decision: Decision, episode: Episode) -> Moment:
    lane, found = episode.lane, decision.perturbed
    own = slice(lane, lane + 1)
    return Moment(
        step=episode.length,
        seen=newest(decision.observation[lane].cpu().numpy()).copy(),
        given=newest(found.observation[lane].cpu().numpy()).copy(),
        without=actor.answers(found.clean_outputs[own])[0],
        under=actor.answers(found.outputs[own])[0],
        action_without=actor.choose(found.clean_outputs[own], [episode])[0].copy(),
        action=decision.actions[lane].copy(),
    )


class _Highlights:
    """The best step of each of some stretches of an episode whose length nobody knows yet.

    Stretches are as long as they must be for a bounded number of them: two become one whenever there are too many.
    """

    def __init__(self) -> None:
        self._length = 1
        self._best: dict[int, tuple[Rank, Moment]] = {}

    def offer(self, step: int, rank: Rank, make: Callable[[], Moment]) -> None:
        """Keep what `make` gives if the step is the best of its stretch."""
        best = self._best.get(step // self._length)
        if best is None or rank > best[0]:
            self._best[step // self._length] = (rank, make())
        while len(self._best) > _MOST_STRETCHES:
            self._length *= 2
            self._best = _best_of(self._best.values(), lambda moment: moment.step // self._length)

    def spread(self, steps: int) -> tuple[Moment, ...]:
        """The best of each of MOMENTS equal parts of an episode of `steps`, in order."""
        parts = _best_of(self._best.values(), lambda moment: moment.step * MOMENTS // steps)
        return tuple(parts[part][1] for part in sorted(parts))


def _best_of(
    candidates: Iterable[tuple[Rank, Moment]], place: Callable[[Moment], int]
) -> dict[int, tuple[Rank, Moment]]:
    best: dict[int, tuple[Rank, Moment]] = {}
    for rank, moment in candidates:
        if place(moment) not in best or rank > best[place(moment)][0]:
            best[place(moment)] = (rank, moment)
    return best
