"""Which errors end an evaluation, and which are tried again."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from saddlepoint.endings import end
from saddlepoint.errors import Canceled, SaddlepointError, StoreError, Unavailable
from saddlepoint.schemas.problems import problem_of
from saddlepoint.work import EVALUATION
from worker.context import Context

_log = logging.getLogger(__name__)


@contextmanager
def ending_on_error(context: Context, evaluation_id: str) -> Iterator[None]:
    """End the evaluation as failed on an error that would come again, which is any SaddlepointError.

    Errors of the store and the queue, and those that nobody expected, are let through, to be tried again.
    """
    try:
        yield
    except (StoreError, Unavailable):
        raise
    except Canceled:
        _log.info("evaluation %s has ended; its work stops here", evaluation_id)
    except SaddlepointError as error:
        _log.warning("evaluation %s failed: %s", evaluation_id, error.message)
        end(context.store, context.queue, EVALUATION, evaluation_id, "failed", error=problem_of(error))
