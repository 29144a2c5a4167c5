"""The interpreter, the processor, memory, and how much a process may open and start."""

import platform
import resource
import sys
from pathlib import Path

from saddlepoint.machine import cores
from saddlepoint.schemas.checkups import Finding, judged
from saddlepoint.settings import Settings

_OLDEST = (3, 11)
_OPEN_FILES = 1024
_PROCESSES = 256
_GIB = 2**30
_A_WORKER_BYTES = 1.5 * _GIB
"""Reckoned for each; its container may have 2 GiB."""


def python() -> Finding:
    """The interpreter's version, and whether this is Linux."""
    return judged(
        "python",
        f"{platform.python_version()} on {platform.system()} {platform.machine()}",
        fails=sys.version_info < _OLDEST or sys.platform != "linux",
        remedy="A stack needs Linux and Python 3.11 or newer.",
    )


def processor() -> Finding:
    """Cores, and whether gradients may be computed in bf16."""
    precision = Settings().default_precision
    return judged(
        "processor",
        f"{cores()} cores; {precision} by default",
        warns=precision != "bf16",
        remedy="Attacks take about twice as long without AVX512-BF16 or AMX; the results are no worse.",
    )


def memory(meminfo: Path = Path("/proc/meminfo")) -> Finding:
    """What is free, against an evaluator a core."""
    lines = dict(line.split(":", 1) for line in meminfo.read_text(encoding="ascii").splitlines())
    free = int(lines["MemAvailable"].split()[0]) * 1024
    return judged(
        "memory",
        f"{free / _GIB:.1f} GiB available",
        fails=free < _A_WORKER_BYTES,
        warns=free < cores() * _A_WORKER_BYTES,
        remedy=f"Reckon {_A_WORKER_BYTES / _GIB:g} GiB for each worker (one a core); start fewer: --workers.",
    )


def limits() -> Finding:
    """Descriptors and processes that one may have (ulimit -n, -u)."""
    files, processes = (resource.getrlimit(kind)[0] for kind in (resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC))
    return judged(
        "limits",
        f"{_spoken(files)} open files, {_spoken(processes)} processes",
        fails=_less(files, _OPEN_FILES) or _less(processes, _PROCESSES),
        remedy=f"Allow {_OPEN_FILES} open files and {_PROCESSES} processes: ulimit -n, ulimit -u.",
    )


def _less(limit: int, wanted: int) -> bool:
    return limit != resource.RLIM_INFINITY and limit < wanted


def _spoken(limit: int) -> str:
    return "unlimited" if limit == resource.RLIM_INFINITY else str(limit)
