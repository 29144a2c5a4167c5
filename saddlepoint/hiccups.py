"""Failures of the store and of Redis that pass: no fault of the work that met them, and no reason to give it up."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from saddlepoint.errors import ArtifactCorrupt, ArtifactNotFound, SaddlepointError, StoreError, Unavailable

_log = logging.getLogger(__name__)


def is_passing(error: BaseException) -> bool:
    """Whether a repetition may mend it; what is missing or damaged stays so."""
    return isinstance(error, StoreError | Unavailable) and not isinstance(error, ArtifactNotFound | ArtifactCorrupt)


@contextmanager
def left_to_the_reconciler(what: str) -> Iterator[None]:
    """End a job quietly on a failure that passes: the reconciler queues it again at its own pace, RQ would at once."""
    try:
        yield
    except SaddlepointError as error:
        if not is_passing(error):
            raise
        _log.warning("%s is left to the reconciler: %s", what, error.message)
