"""Memory that is freed and asked for again at every step."""

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Of mallopt(3)."""
_LARGEST_MMAP_THRESHOLD = 32 * 2**20
"""glibc takes no larger one; a batch of 64 Atari stacks has 7 MB."""


def keep_freed_memory() -> None:
    """Keep what is freed in this process, where its C library is glibc.

    By default the top of the heap goes back to the system after every batch, and every page of the next one is a page
    fault: a tenth of the time of an attack.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _LARGEST_MMAP_THRESHOLD)
        mallopt(_TRIM_THRESHOLD, 2**31 - 1)
