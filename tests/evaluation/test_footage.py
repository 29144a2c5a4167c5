"""Two games as one video."""

import io
from collections.abc import Iterator
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from saddlepoint.envs.filming import Scene
from saddlepoint.evaluation import footage
from saddlepoint.evaluation.footage import MOST_BYTES, Footage, record
from saddlepoint.evaluation.traces import Trace
from saddlepoint.schemas.environments import EnvironmentSpec

ENV = EnvironmentSpec(id="Painted-v0")
BRIGHT = 200


def trace(steps: int, reward: float = 1.0) -> Trace:
    return Trace(np.full(steps, steps), np.full(steps, reward), None, {}, ())


def painted(env: EnvironmentSpec, seed: int, actions: NDArray[Any]) -> Iterator[Scene]:
    """A plain picture that earns 1 a step; the longer game is red, the other green."""
    del env, seed
    picture = np.zeros((100, 80, 3), np.uint8)
    picture[..., 0 if len(actions) > 10 else 1] = BRIGHT
    for _ in actions:
        yield Scene(picture, 1.0)
    yield Scene(picture, 0.0)


@pytest.fixture(autouse=True)
def _painted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(footage, "film", painted)


def frames(made: Footage) -> list[NDArray[np.uint8]]:
    with av.open(io.BytesIO(made.video), "r") as container:
        return [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in container.decode(video=0)]


def near(pixel: NDArray[np.uint8], *expected: int) -> bool:
    return bool(np.abs(pixel.astype(int) - expected).max() < 12)


def test_the_games_stand_side_by_side_and_one_that_is_over_goes_dark() -> None:
    shown = frames(record(ENV, 0, trace(20), trace(5)))
    assert len(shown) == 21
    assert {frame.shape for frame in shown} == {(400, 656, 3)}
    left, right = (200, 160), (200, 480)
    assert all(near(frame[left], BRIGHT, 0, 0) for frame in shown)
    assert all(near(frame[right], 0, BRIGHT, 0) for frame in shown[:6])
    assert all(near(frame[right], 0, 60, 0) for frame in shown[6:])


def test_it_is_h264_in_the_pixel_format_that_every_browser_plays() -> None:
    with av.open(io.BytesIO(record(ENV, 0, trace(20), trace(5)).video), "r") as container:
        (stream,) = container.streams.video
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert stream.average_rate == 30


def test_of_a_longer_game_every_nth_step_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(footage, "MOST_FRAMES", 20)
    made = record(ENV, 0, trace(42), trace(4))
    assert (made.stride, made.steps, made.is_the_game) == (3, 42, True)
    assert len(frames(made)) == 15
    assert record(ENV, 0, trace(44), trace(4)).is_the_game  # whose last steps no frame shows


def test_a_game_without_end_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(footage, "MOST_STEPS", 50)
    made = record(ENV, 0, trace(80), trace(4))
    assert (made.steps, len(frames(made)), made.is_the_game) == (50, 51, True)


def test_other_rewards_than_were_noted_make_it_a_re_enactment() -> None:
    assert record(ENV, 0, trace(20), trace(5)).is_the_game
    assert not record(ENV, 0, trace(20), trace(5, reward=0.5)).is_the_game


@pytest.mark.parametrize(("rows", "shown"), [(84, 420), (210, 420), (400, 400), (480, 480), (1001, 500)])
def test_pictures_of_any_size_are_shown_about_as_high(monkeypatch: pytest.MonkeyPatch, rows: int, shown: int) -> None:
    def sized(env: EnvironmentSpec, seed: int, actions: NDArray[Any]) -> Iterator[Scene]:
        return (Scene(np.zeros((rows, rows, 3), np.uint8), 1.0) for _ in range(len(actions) + 1))

    monkeypatch.setattr(footage, "film", sized)
    made = record(ENV, 0, trace(2), trace(2))
    assert (made.rows, frames(made)[0].shape[0]) == (shown, shown)


def test_noise_that_no_codec_can_compress_stays_within_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)

    def noise(env: EnvironmentSpec, seed: int, actions: NDArray[Any]) -> Iterator[Scene]:
        for _ in range(len(actions) + 1):
            yield Scene(rng.integers(0, 256, (105, 80, 3), dtype=np.uint8), 0.0)

    monkeypatch.setattr(footage, "film", noise)
    monkeypatch.setattr(footage, "MOST_BYTES", 400_000)
    assert len(record(ENV, 0, trace(120), trace(120)).video) < 1.25 * 400_000
    assert 1.25 * MOST_BYTES * 4 / 3 <= 5_000_000


def test_it_comes_back_from_its_bytes() -> None:
    made = record(ENV, 0, trace(20), trace(5))
    assert Footage.from_bytes(made.to_bytes()) == made
