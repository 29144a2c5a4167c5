"""The numbers of lanes that go on from step to step, made for many steps at once.

Where a row takes a few numbers alone, putting its stream to the start takes all of the time: a tenth of a step of a
small network. For many rows and steps in one go the streams cost next to nothing. The numbers are those of
`saddlepoint.envs.seeding`, bit for bit.
"""

from typing import cast

import numpy as np
from numpy.typing import NDArray

from saddlepoint.envs.philox import BLOCK, Words, blocks
from saddlepoint.envs.seeding import Integers, Purpose, gumbel, gumbel_rows, uniform_rows, word_rows

STRETCH = 32
"""Steps that are made at once."""
MOST_WORDS = 4 * BLOCK
"""A row of more gains nothing."""
_FEW = 8
"""As many times more rows have to go on as there may be new ones, which are made one by one."""


class Ahead:
    """The numbers of one purpose in the same lanes, asked for step by step."""

    def __init__(self, purpose: Purpose) -> None:
        self._purpose = purpose
        self._rows = np.empty((2, 0), np.int64)
        """Seeds and episodes that the table is of."""
        self._first = np.empty(0, np.int64)
        self._table = np.empty((0, 0, 0), np.uint64)
        """(STRETCH, lanes, words): from the step `_first` of each lane on."""
        self._asked = self._rows
        """Seeds and episodes of the time before."""

    def uniform_rows(
        self,
        seeds: Integers,
        episodes: Integers,
        steps: Integers,
        shape: tuple[int, ...],
        *,
        out: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float32]:
        """As `seeding.uniform_rows`."""
        count = int(np.prod(shape))
        words = -(-count // 2)
        if words > MOST_WORDS:
            return uniform_rows(seeds, episodes, steps, self._purpose, shape, out=out)
        rows = np.empty((len(seeds), *shape), dtype=np.float32) if out is None else out
        halves = self._words(seeds, episodes, steps, words).astype("<u8", copy=False).view("<u4")
        np.multiply(halves[:, :count] >> 8, np.float32(2.0**-24), out=rows.reshape(len(rows), -1), casting="unsafe")
        return rows

    def gumbel_rows(self, seeds: Integers, episodes: Integers, steps: Integers, count: int) -> NDArray[np.float32]:
        """As `seeding.gumbel_rows`."""
        if count > MOST_WORDS:
            return gumbel_rows(seeds, episodes, steps, self._purpose, count)
        words = self._words(seeds, episodes, steps, count) >> np.uint64(11)
        return gumbel(words.astype(np.float64) * 2.0**-53)

    def _words(self, seeds: Integers, episodes: Integers, steps: Integers, count: int) -> Words:
        rows, now = np.array([seeds, episodes], dtype=np.int64), np.array(steps, dtype=np.int64)
        goes_on = rows.shape == self._asked.shape and bool((rows == self._asked).all())
        self._asked = rows
        if rows.shape != self._rows.shape or self._table.shape[2] != count:
            return self._made_anew(rows, now, count) if goes_on else self._one_by_one(rows, now, count)
        at = now - self._first
        is_new = (rows != self._rows).any(axis=0) | (at < 0) | (at >= STRETCH)
        new = np.flatnonzero(is_new)
        if len(new) * _FEW > len(now):
            return self._made_anew(rows, now, count) if goes_on else self._one_by_one(rows, now, count)
        at[new] = 0
        words = self._table[at, np.arange(len(at))]
        if len(new):
            words[new] = self._one_by_one(rows[:, new], now[new], count)
        return cast(Words, words)

    def _one_by_one(self, rows: NDArray[np.int64], steps: NDArray[np.int64], count: int) -> Words:
        return word_rows(rows[0], rows[1], steps, self._purpose, count)

    def _made_anew(self, rows: NDArray[np.int64], first: NDArray[np.int64], count: int) -> Words:
        """The words of the first of the steps that are now made."""
        lanes, parts = len(first), -(-count // BLOCK)
        steps = np.arange(STRETCH)[:, None, None] + first[:, None]
        number, step = np.broadcast_arrays(np.arange(1, parts + 1), steps)
        constant = np.zeros_like(step)
        counters = np.stack([number, constant, step, constant + int(self._purpose)]).reshape(4, -1)
        keys = np.broadcast_to(rows[:, None, :, None], (2, *step.shape)).reshape(2, -1)
        made = blocks(keys.astype(np.uint64), counters.astype(np.uint64))
        self._rows, self._first = rows, first
        self._table = table = made.reshape(STRETCH, lanes, parts * BLOCK)[:, :, :count]
        now: Words = table[0]
        return now
