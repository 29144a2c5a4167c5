"""An unattacked and an attacked game side by side, as a video."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, fields
from itertools import islice, repeat

import numpy as np
from numpy.typing import NDArray

from saddlepoint.envs.filming import film
from saddlepoint.evaluation.pictures import enlarged
from saddlepoint.evaluation.png import to_png
from saddlepoint.evaluation.traces import Trace
from saddlepoint.evaluation.video import FRAMES_PER_S, writing
from saddlepoint.schemas.environments import EnvironmentSpec

MOST_BYTES = 3_000_000
"""Of a video, which noise may exceed by a quarter; as text in a page it is a third larger: 5 MB."""
MOST_STEPS = 9000
"""Of a game that are shown: ten minutes of Atari."""
MOST_FRAMES = 1800
"""A minute of video; of a longer game every second step is shown, or every third."""
_ROWS = 420
"""Of the video, about: small pictures are enlarged, of large ones some pixels are left out."""
_GAPS = 20
"""As many of them as there are between the games are as wide as one."""
_AFTER_THE_END = 0.3
"""Of the light that the last picture of a game keeps while the other one goes on."""


@dataclass(frozen=True)
class Footage:
    """The games of two traces: frame k shows step k * `stride`, the unattacked game on the left."""

    video: bytes
    poster: bytes
    """PNG: the frame in the middle."""
    rows: int
    columns: int
    stride: int
    steps: int
    """That are shown; less than were played where the game is longer than MOST_STEPS."""
    is_the_game: bool
    """Whether the games that are shown earned what was noted when they were played."""

    def to_bytes(self) -> bytes:
        buffer = io.BytesIO()
        kept = {field.name: getattr(self, field.name) for field in fields(self)}
        binary = {name: np.frombuffer(data, np.uint8) for name, data in kept.items() if isinstance(data, bytes)}
        np.savez(buffer, allow_pickle=False, **kept | binary)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Footage":
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            found = {name: file[name] for name in file.files}
        return cls(**{name: own.item() if own.ndim == 0 else own.tobytes() for name, own in found.items()})


def record(env: EnvironmentSpec, seed: int, clean: Trace, attacked: Trace) -> Footage:
    """Play the actions of both traces again. Raises as `film` does."""
    longest = min(max(len(clean.actions), len(attacked.actions)), MOST_STEPS)
    stride = -(-longest // MOST_FRAMES)
    games = [_Game(env, seed, trace) for trace in (clean, attacked)]
    count = longest // stride + 1
    frames = islice(map(_beside, *(_then_dark(game.pictures(stride)) for game in games)), count)
    buffer, poster = io.BytesIO(), next(frames)
    factor = max(1, round(_ROWS / poster.shape[0]))
    rows, columns = (side * factor // 2 * 2 for side in poster.shape[:2])  # H.264 wants them even
    with writing(buffer, rows, columns, MOST_BYTES * FRAMES_PER_S // count) as video:
        video.add(poster)
        for number, frame in enumerate(frames, start=1):
            video.add(frame)
            poster = frame if number == count // 2 else poster
    is_the_game = all(game.is_as_noted() for game in games)
    return Footage(buffer.getvalue(), to_png(enlarged(poster, factor)), rows, columns, stride, longest, is_the_game)


class _Game:
    """One of the two, played as its trace says."""

    def __init__(self, env: EnvironmentSpec, seed: int, trace: Trace) -> None:
        self._scenes = film(env, seed, trace.actions[:MOST_STEPS])
        self._noted = trace.rewards[:MOST_STEPS]
        self._earned: list[float] = []

    def pictures(self, stride: int) -> Iterator[NDArray[np.uint8]]:
        for step, scene in enumerate(self._scenes):
            self._earned.append(scene.reward)
            if step % stride == 0:
                yield scene.picture

    def is_as_noted(self) -> bool:
        """Play on to the end, and say whether every step earned what it did the first time."""
        self._earned += [scene.reward for scene in self._scenes]
        return bool(np.array_equal(self._earned[:-1], self._noted))


def _then_dark(pictures: Iterator[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
    """All of them, then the last one, darker, for ever."""
    last = next(pictures)
    yield last
    for last in pictures:
        yield last
    yield from repeat((last * _AFTER_THE_END).astype(np.uint8))


def _beside(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """One beside the other, black between; of large pictures every nth pixel."""
    every = max(1, round(left.shape[0] / _ROWS))
    one, other = left[::every, ::every], right[::every, ::every]
    gap = np.zeros((one.shape[0], one.shape[1] // _GAPS, 3), np.uint8)
    return np.concatenate([one, gap, other], axis=1)
