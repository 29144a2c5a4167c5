"""Streams that depend on nothing but their own numbers."""

import hashlib

import numpy as np
import pytest

from saddlepoint.envs.seeding import Purpose, episode_seed, gumbel_rows, stream, uniform_rows


def test_an_episode_seed_is_the_documented_hash() -> None:
    word = int.from_bytes(hashlib.sha256(b"saddlepoint:3:14").digest()[:8], "big")
    assert word % (2**31 - 1) + 1 == episode_seed(3, 14)


def test_an_episode_seed_never_changes() -> None:
    assert [episode_seed(0, 0), episode_seed(2, 1)] == [1706366972, 2017869644]


def test_episode_seeds_are_31_bit_positive_and_distinct() -> None:
    seeds = {episode_seed(seed, episode) for seed in range(100) for episode in range(50)}
    assert len(seeds) == 5000
    assert min(seeds) > 0
    assert max(seeds) < 2**31


def test_a_stream_is_repeatable() -> None:
    first, second = (stream(1, 2, 3, Purpose.ACTION).random(5) for _ in range(2))
    assert first.tolist() == second.tolist()


@pytest.mark.parametrize(
    "other",
    [
        (2, 2, 3, Purpose.ACTION),
        (1, 3, 3, Purpose.ACTION),
        (1, 2, 4, Purpose.ACTION),
        (1, 2, 3, Purpose.START_NOISE),
    ],
)
def test_every_number_of_a_stream_matters(other: tuple[int, int, int, Purpose]) -> None:
    ours = stream(1, 2, 3, Purpose.ACTION).random(1000)
    theirs = stream(*other).random(1000)
    assert not set(ours.tolist()) & set(theirs.tolist())


def test_a_uniform_row_is_the_start_of_its_stream() -> None:
    rows = uniform_rows([5, 0], [6, 1], [7, 2], Purpose.START_NOISE, (3, 2))
    expected = [
        stream(5, 6, 7, Purpose.START_NOISE).random((3, 2), dtype=np.float32),
        stream(0, 1, 2, Purpose.START_NOISE).random((3, 2), dtype=np.float32),
    ]
    assert np.float32 == rows.dtype
    assert np.array(expected).tolist() == rows.tolist()


def test_a_row_does_not_depend_on_its_neighbours() -> None:
    many = uniform_rows([9, 1, 2], [0, 1, 2], [0, 1, 2], Purpose.RESTART, (7,))
    alone = uniform_rows([1], [1], [1], Purpose.RESTART, (7,))
    assert alone[0].tolist() == many[1].tolist()


def test_uniform_rows_fill_what_they_are_given() -> None:
    out = np.full((2, 4), -1.0, dtype=np.float32)
    rows = uniform_rows([1, 2], [0, 0], [0, 0], Purpose.START_NOISE, (4,), out=out)
    assert rows is out
    assert (out >= 0).all()
    assert (out < 1).all()


def test_scalar_observations_get_a_number_each() -> None:
    rows = uniform_rows([1], [2], [3], Purpose.START_NOISE, ())
    assert [stream(1, 2, 3, Purpose.START_NOISE).random(dtype=np.float32)] == rows.tolist()


def test_rows_of_unequal_length_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        uniform_rows([1, 2], [1], [1, 2], Purpose.START_NOISE, (2,))


def test_gumbel_noise_samples_a_categorical_distribution() -> None:
    log_probabilities = np.log(np.array([0.5, 0.3, 0.2], dtype=np.float32))
    count = 20_000
    numbers = list(range(count))
    noise = gumbel_rows([0] * count, numbers, [0] * count, Purpose.ACTION, 3)
    shares = np.bincount((log_probabilities + noise).argmax(axis=1), minlength=3) / count
    # Four standard errors of a share at 20,000 draws are at most 0.0142.
    assert np.abs(shares - [0.5, 0.3, 0.2]).max() < 0.0142


def test_gumbel_noise_is_the_transform_of_its_stream() -> None:
    uniform = stream(1, 2, 3, Purpose.ACTION).random(4)
    expected = (-np.log(-np.log(uniform))).astype(np.float32)
    assert expected.tolist() == gumbel_rows([1], [2], [3], Purpose.ACTION, 4)[0].tolist()
