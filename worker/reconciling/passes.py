"""All that a pass looks at: the cost is what goes on now, not what ever was."""

import logging
from collections.abc import Callable, Iterator
from functools import partial

from saddlepoint.errors import SaddlepointError, Unavailable
from saddlepoint.queue import EVALUATE, TRAINING, VALIDATION
from saddlepoint.schemas import keys
from saddlepoint.work import JOBS
from worker.context import Context
from worker.reconciling.census import OpenCensus
from worker.reconciling.evaluations import Evaluations
from worker.reconciling.jobs import bring_on_job
from worker.reconciling.proofs import bring_on_training_proof
from worker.reconciling.trainings import bring_on_training
from worker.reconciling.uploads import Uploads
from worker.reconciling.webhooks import Webhooks

_LEFTOVERS_S = 3600.0

_Step = tuple[str, Callable[[], object]]
"""What it is about, for the log, and what brings it on."""

_log = logging.getLogger(__name__)


class Reconciler:
    """Finishes what is complete, queues what is missing, ends what was canceled. Two at once do no harm."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._census = OpenCensus(context)
        self._evaluations = Evaluations(context)
        self._uploads = Uploads(context)
        self._webhooks = Webhooks(context.store)

    def run_pass(self, may_go_on: Callable[[], bool] = lambda: True) -> None:
        """Look at everything that is not done. One that fails does not keep the others from their turn.

        Before each of them `may_go_on` is asked, because a pass over thousands in a bucket takes minutes. Raises
        Unavailable where Redis is away, because then nothing can be queued, and StoreError where nothing is listed.
        """
        for what, action in self._steps():
            if not may_go_on():
                return
            _attempt(what, action)

    def _steps(self) -> Iterator[_Step]:
        """Each is found when its turn comes."""
        context = self._context
        for queue in (VALIDATION, EVALUATE, TRAINING):
            context.queue.recover_abandoned(queue)
        yield "what is open", self._census.take
        for training_id in _names(context, keys.ACTIVE_PROOFS):  # first, because they begin evaluations
            yield f"the proof of training {training_id}", partial(bring_on_training_proof, context, training_id)
        evaluation_ids = _names(context, keys.ACTIVE_EVALUATIONS)
        self._evaluations.keep_only(set(evaluation_ids))
        yield "uploads", self._uploads.bring_on
        active = context.queue.active(EVALUATE)  # once: it is all that waits, and there may be thousands
        for evaluation_id in evaluation_ids:
            yield f"evaluation {evaluation_id}", partial(self._evaluations.bring_on, evaluation_id, active)
        for training_id in _names(context, keys.ACTIVE_TRAININGS):
            yield f"training {training_id}", partial(bring_on_training, context, training_id)
        for work in JOBS.values():
            for job_id in _names(context, keys.active_jobs(work.name)):
                yield f"{work.name} {job_id}", partial(bring_on_job, context, work, job_id, active)
        yield "webhooks", self._webhooks.bring_on
        yield "leftovers", partial(context.store.sweep, _LEFTOVERS_S)


def _names(context: Context, prefix: str) -> list[str]:
    return [key.removeprefix(prefix) for key in context.store.list(prefix)]


def _attempt(what: str, action: Callable[[], object]) -> None:
    try:
        action()
    except Unavailable:
        raise
    except SaddlepointError as error:
        _log.error("%s: %s", what, error.message)
    except Exception:
        _log.exception("%s", what)
