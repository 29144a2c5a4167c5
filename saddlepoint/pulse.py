"""A sign of life in a file, for whoever watches a process from beside it, such as a container's health check."""

import logging
from pathlib import Path

_log = logging.getLogger(__name__)


def beat(file: Path | None) -> None:
    """Say that this process goes round: `file` is as old as its last turn. None says nothing.

    A file that cannot be written is logged and no more, because it falls silent by itself.
    """
    if file is None:
        return
    try:
        file.touch()
    except OSError as error:
        _log.warning("no pulse: %s", error)
