"""Where an episode's randomness comes from: its own numbers, never its lane or its turn.

An environment is seeded with a hash of (seed, episode). Everything else is drawn from Philox4x64-10
(Salmon et al. 2011), a counter-based generator: the key is (seed, episode), the counter's upper
half is (step, purpose), its lower half numbers the blocks of one draw. So any draw can be made
without the ones before it, draws of different steps or purposes never overlap, and the same (seed,
episode) meets the same numbers under every attack and policy.
"""

import hashlib
from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Integers = Sequence[int] | NDArray[np.int64]


class Purpose(IntEnum):
    """What a draw is for. A number here is part of every published result: add, never renumber."""

    START_NOISE = 1
    """The first perturbation of an attack; the whole of a random one."""
    ACTION = 2
    """Gumbel noise that samples the policy's action."""
    RANDOM_POLICY = 3
    """The uniform actions of the reference."""
    ATTACK_CHOICE = 4
    """Whether a randomly timed attacker acts at a step."""
    RESTART = 5
    """Further starts of an attack that restarts."""
    EXPLORATION = 6
    """Actions of runs that only collect states."""
    SEARCH = 7
    """What a search that needs no gradient tries."""


def episode_seed(seed: int, episode: int) -> int:
    """The environment's seed of an episode: 1 .. 2**31 - 1.

    The first 8 bytes, big-endian, of sha256 of the ASCII text `saddlepoint:<seed>:<episode>`,
    modulo 2**31 - 1, plus 1. Hashing keeps neighbouring seeds and episodes unrelated; 0 and
    negative seeds are avoided because emulators take them for "unseeded".
    """
    text = f"saddlepoint:{int(seed)}:{int(episode)}".encode("ascii")
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big") % (2**31 - 1) + 1


def stream(seed: int, episode: int, step: int, purpose: Purpose) -> np.random.Generator:
    """The generator of one purpose at one step of one episode; all numbers are non-negative."""
    key = np.array([seed, episode], dtype=np.uint64)
    counter = np.array([0, 0, step, purpose], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))


def uniform_rows(
    seeds: Integers,
    episodes: Integers,
    steps: Integers,
    purpose: Purpose,
    shape: tuple[int, ...],
    *,
    out: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Uniform numbers in [0, 1), one row a lane, `(lanes, *shape)` float32.

    Row i is `stream(seeds[i], episodes[i], steps[i], purpose).random(shape, float32)`. A contiguous
    `out` is filled and returned: fresh memory of this size costs as much as the numbers.
    """
    rows = np.empty((len(seeds), *shape), dtype=np.float32) if out is None else out
    flat = rows.reshape(len(seeds), -1)
    for row, generator in zip(flat, _streams(seeds, episodes, steps, purpose), strict=True):
        generator.random(out=row, dtype=np.float32)
    return rows


def gumbel_rows(
    seeds: Integers, episodes: Integers, steps: Integers, purpose: Purpose, count: int
) -> NDArray[np.float32]:
    """Standard Gumbel numbers, `(lanes, count)` float32: argmax(log p + row) is a sample of p.

    Computed in float64 from one uniform number each.
    """
    uniforms = np.empty((len(seeds), count), dtype=np.float64)
    for row, generator in zip(uniforms, _streams(seeds, episodes, steps, purpose), strict=True):
        generator.random(out=row)
    return gumbel(uniforms)


def gumbel(uniforms: NDArray[np.float64]) -> NDArray[np.float32]:
    """Standard Gumbel numbers from uniform ones, none infinite."""
    tiny = np.finfo(np.float64).tiny
    return (-np.log(-np.log(np.maximum(uniforms, tiny)))).astype(np.float32)


def word_rows(seeds: Integers, episodes: Integers, steps: Integers, purpose: Purpose, count: int) -> NDArray[np.uint64]:
    """The words that all other numbers are made of, `(lanes, count)`."""
    rows = np.empty((len(seeds), count), dtype=np.uint64)
    for row, generator in zip(rows, _streams(seeds, episodes, steps, purpose), strict=True):
        row[:] = generator.bit_generator.random_raw(count)
    return rows


def normal_rows(
    seeds: Integers, episodes: Integers, steps: Integers, purpose: Purpose, count: int
) -> NDArray[np.float32]:
    """Standard normal numbers, `(lanes, count)` float32."""
    rows = np.empty((len(seeds), count), dtype=np.float32)
    for row, generator in zip(rows, _streams(seeds, episodes, steps, purpose), strict=True):
        generator.standard_normal(out=row, dtype=np.float32)
    return rows


def _streams(seeds: Integers, episodes: Integers, steps: Integers, purpose: Purpose) -> Iterator[np.random.Generator]:
    """`stream` of each row in turn, as one generator put to the start of each: ten times cheaper than one a row."""
    bits = np.random.Philox(key=0)
    generator = np.random.Generator(bits)
    # Tuples of Python's own integers are read three times as fast as arrays of them.
    start: Any = {**bits.state, "buffer": (0, 0, 0, 0)}
    for seed, episode, step in zip(map(int, seeds), map(int, episodes), map(int, steps), strict=True):
        start["state"] = {"key": (seed, episode), "counter": (0, 0, step, int(purpose))}
        bits.state = start
        yield generator
