"""An unattacked and an attacked game side by side, as a video."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, fields
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from saddlepoint.envs.filming import Scene, film
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
"""Of a small picture, enlarged, about."""
_GAP = 16
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
    games = [_Game(env, seed, trace, stride) for trace in (clean, attacked)]
    frames = _side_by_side(*games)
    first = next(frames)
    rows, columns, _ = first.shape
    count = longest // stride + 1
    buffer, poster = io.BytesIO(), first
    with writing(buffer, rows, columns, MOST_BYTES * FRAMES_PER_S // count) as video:
        video.add(first)
        for number, frame in enumerate(frames, start=1):
            video.add(frame)
            poster = frame if number == count // 2 else poster
    exact = all(game.is_as_noted for game in games)
    return Footage(buffer.getvalue(), to_png(poster), rows, columns, stride, longest, exact)


class _Game:
    """One of the two, played as its trace says."""

    def __init__(self, env: EnvironmentSpec, seed: int, trace: Trace, stride: int) -> None:
        self._scenes = film(env, seed, trace.actions[:MOST_STEPS])
        self._noted, self._stride = trace.rewards[:MOST_STEPS], stride
        self._earned: list[float] = []

    def pictures(self) -> Iterator[NDArray[np.uint8]]:
        for step, scene in enumerate(self._scenes):
            self._note(scene)
            if step % self._stride == 0:
                yield scene.picture

    def _note(self, scene: Scene) -> None:
        self._earned.append(scene.reward)

    @property
    def is_as_noted(self) -> bool:
        """Once all scenes were shown."""
        return bool(np.array_equal(self._earned[:-1], self._noted))


def _side_by_side(clean: _Game, attacked: _Game) -> Iterator[NDArray[np.uint8]]:
    """As long as the longer game; the last picture of the other stays, darker."""
    last: list[NDArray[np.uint8] | None] = [None, None]
    for pair in zip_longest(clean.pictures(), attacked.pictures()):
        shown = []
        for side, picture in enumerate(pair):
            last[side] = picture if picture is not None else last[side]
            kept = last[side]
            assert kept is not None  # both games have a first picture
            shown.append(kept if picture is not None else (kept * _AFTER_THE_END).astype(np.uint8))
        yield _joined(*shown)


def _joined(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Beside each other, black between; sides are even, as H.264 wants them."""
    factor = max(1, round(_ROWS / left.shape[0]))
    one, other = enlarged(left, factor), enlarged(right, factor)
    gap = np.zeros((one.shape[0], _GAP, 3), np.uint8)
    both = np.concatenate([one, gap, other], axis=1)
    return both[: both.shape[0] // 2 * 2, : both.shape[1] // 2 * 2]
