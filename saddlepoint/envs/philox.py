"""Philox4x64-10 (Salmon et al. 2011) for many counters in one go, as NumPy's generator of that name computes it."""

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]
BLOCK = 4
"""Words that one counter gives."""
_ROUNDS = 10
_HALF = np.uint64(32)
_LOW = np.uint64(2**32 - 1)
_MULTIPLIERS = np.array([[0xD2E7470EE14C6C93], [0xCA5A826395121157]], dtype=np.uint64)
_MULTIPLIERS_LOW, _MULTIPLIERS_HIGH = _MULTIPLIERS & _LOW, _MULTIPLIERS >> _HALF
_WEYL = np.array([[0x9E3779B97F4A7C15], [0xBB67AE8584CAA73B]], dtype=np.uint64)


def blocks(keys: Words, counters: Words) -> Words:
    """(n, 4): what keys (2, n) make of counters (4, n)."""
    even, odd = counters[0::2], counters[1::2]
    for number in range(_ROUNDS):
        with np.errstate(over="ignore"):
            low = even * _MULTIPLIERS
            even, odd = _high(even)[::-1] ^ odd ^ (keys + np.uint64(number) * _WEYL), low[::-1]
    return np.stack([even[0], odd[0], even[1], odd[1]], axis=1)


def _high(words: Words) -> Words:
    """The upper halves of the products with the multipliers, put together from quarters."""
    low, high = words & _LOW, words >> _HALF
    crossed = _MULTIPLIERS_HIGH * low + ((_MULTIPLIERS_LOW * low) >> _HALF)
    other = _MULTIPLIERS_LOW * high + (crossed & _LOW)
    result: Words = _MULTIPLIERS_HIGH * high + (crossed >> _HALF) + (other >> _HALF)
    return result
