"""Who is told how far a job has come: stderr, nobody, or a function."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from clients.progress_line import ProgressLine

Progress = bool | Callable[[Any], None]
"""True draws on stderr, False is silent, a function is called with every state of the job."""


def tell(progress: Progress, text: str) -> None:
    """Say what comes next, where progress is drawn."""
    if progress is True:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


@contextmanager
def watching(progress: Progress) -> Iterator[Callable[[Any], None]]:
    """The function that takes the states of a job."""
    if callable(progress):
        yield progress
    elif not progress:
        yield lambda job: None
    else:
        line = ProgressLine()
        try:
            yield line
        finally:
            line.close()
