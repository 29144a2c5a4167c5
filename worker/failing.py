"""Which errors end work, and which are tried again."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from saddlepoint.endings import end
from saddlepoint.errors import Canceled, SaddlepointError, StoreError, Unavailable
from saddlepoint.schemas.problems import problem_of
from saddlepoint.work import EVALUATION, Work
from worker.context import Context

_log = logging.getLogger(__name__)


@contextmanager
def ending_on_error(context: Context, work_id: str, work: Work = EVALUATION) -> Iterator[None]:
    """End the work as failed on an error that would come again, which is any SaddlepointError.

    Errors of the store and the queue, and those that nobody expected, are let through, to be tried again.
    """
    try:
        yield
    except (StoreError, Unavailable):
        raise
    except Canceled:
        _log.info("%s %s has ended; its work stops here", work.name, work_id)
    except SaddlepointError as error:
        _log.warning("%s %s failed: %s", work.name, work_id, error.message)
        end(context.store, context.queue, work, work_id, "failed", error=problem_of(error))
