"""Numbers made ahead are those of their streams."""

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from saddlepoint.envs import ahead
from saddlepoint.envs.ahead import MOST_WORDS, STRETCH, Ahead
from saddlepoint.envs.philox import blocks
from saddlepoint.envs.seeding import Purpose, gumbel_rows, uniform_rows

LANES = 12
Rows = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


def played(steps: int, *, lanes: int = LANES, ends: float = 0.0, changes: bool = False) -> Iterator[Rows]:
    """What lanes ask for that go on, whose episodes end now and then, or of which others ask every time."""
    random = np.random.default_rng(0)
    seeds, episodes = random.integers(0, 2**31, lanes), np.zeros(lanes, np.int64)
    at = random.integers(0, 1000, lanes)
    for _ in range(steps):
        asking = random.permutation(lanes)[: random.integers(1, lanes + 1)] if changes else np.arange(lanes)
        yield seeds[asking], episodes[asking], at[asking]
        over = random.random(lanes) < ends
        episodes, at = episodes + over, np.where(over, 0, at + 1)


GAMES = {
    "on and on": {"steps": 3 * STRETCH + 2},
    "ends": {"steps": 3 * STRETCH, "ends": 0.02},
    "ends often": {"steps": STRETCH, "ends": 0.5},
    "changes": {"steps": STRETCH, "changes": True},
    "one lane": {"steps": 2 * STRETCH, "lanes": 1, "ends": 0.05},
}


@pytest.mark.parametrize("game", GAMES)
@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 4), (27,), (2 * MOST_WORDS,), (2 * MOST_WORDS + 1,)])
def test_uniform_rows_are_those_of_their_streams(game: str, shape: tuple[int, ...]) -> None:
    purpose, numbers = Purpose.START_NOISE, Ahead(Purpose.START_NOISE)
    for rows in played(**GAMES[game]):  # type: ignore[arg-type]
        out = np.full((len(rows[0]), *shape), -1, np.float32)
        expected = uniform_rows(*rows, purpose, shape)
        assert numbers.uniform_rows(*rows, shape, out=out) is out
        assert np.array_equal(out, expected)


@pytest.mark.parametrize("game", GAMES)
@pytest.mark.parametrize("count", [1, 2, 4, 5, 18])
def test_gumbel_rows_are_those_of_their_streams(game: str, count: int) -> None:
    numbers = Ahead(Purpose.ACTION)
    for rows in played(**GAMES[game]):  # type: ignore[arg-type]
        found = numbers.gumbel_rows(*rows, count)
        assert found.dtype == np.float32
        assert np.array_equal(found, gumbel_rows(*rows, Purpose.ACTION, count))


def test_lists_will_do_and_lengths_may_change() -> None:
    numbers = Ahead(Purpose.ACTION)
    for count in (2, 3, 3, 2, 2):
        found = numbers.gumbel_rows([1, 2], [0, 0], [5, 6], count)
        assert np.array_equal(found, gumbel_rows([1, 2], [0, 0], [5, 6], Purpose.ACTION, count))


def test_streams_are_put_to_their_start_once_a_stretch(monkeypatch: pytest.MonkeyPatch) -> None:
    made = 0

    def counting(*arguments: NDArray[np.uint64]) -> NDArray[np.uint64]:
        nonlocal made
        made += 1
        return blocks(*arguments)

    def never(*arguments: object) -> None:
        raise AssertionError("a row was made by itself")

    numbers, games = Ahead(Purpose.ACTION), played(4 * STRETCH + 1)
    numbers.gumbel_rows(*next(games), 2)
    monkeypatch.setattr(ahead, "blocks", counting)
    monkeypatch.setattr(ahead, "word_rows", never)
    for rows in games:
        numbers.gumbel_rows(*rows, 2)
    assert made == 4


def test_blocks_are_those_of_numpy() -> None:
    random = np.random.default_rng(1)
    keys, counters = random.integers(0, 2**64, (2, 50), np.uint64), random.integers(0, 2**64 - 1, (4, 50), np.uint64)
    keys[:, 0] = counters[1:, 0] = 2**64 - 1
    found = blocks(keys, counters + np.array([[1], [0], [0], [0]], np.uint64))
    for row, key, counter in zip(found, keys.T, counters.T, strict=True):
        assert np.random.Philox(key=key, counter=counter).random_raw(4).tolist() == row.tolist()
