"""What this machine has."""

import ctypes
import os

_PAUSE_SOFT = 1
"""Of omp_pause_resource (OpenMP 5.0, section 3.2.43): threads end, settings stay."""


def cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def rest_threads() -> None:
    """End the idle threads with which this thread runs PyTorch's operators; the next operator starts them again.

    They wait for it awake, for milliseconds, on cores that others need meanwhile: emulators beside them took half as
    long again. Does nothing where PyTorch's threads are not OpenMP's.
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "omp_pause_resource"):
        library.omp_pause_resource(_PAUSE_SOFT, library.omp_get_initial_device())
