"""Ends a process that is stuck, even in native code that never returns to Python."""

import faulthandler
from collections.abc import Callable, Iterator
from contextlib import contextmanager

EXIT_STATUS = 1
"""Of a process that was stuck; a job's own errors end it otherwise."""


@contextmanager
def watchdog(stall_s: float) -> Iterator[Callable[[], None]]:
    """Exit the process, with a trace on stderr, unless the function that this gives is called every `stall_s`."""

    def alive() -> None:
        faulthandler.dump_traceback_later(stall_s, exit=True)

    alive()
    try:
        yield alive
    finally:
        faulthandler.cancel_dump_traceback_later()
