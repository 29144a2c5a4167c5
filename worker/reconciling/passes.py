"""All that a pass looks at: the cost is what goes on now, not what ever was."""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from saddlepoint.errors import SaddlepointError, Unavailable
from saddlepoint.logs import working_on
from saddlepoint.queue import EVALUATE, QUEUES
from saddlepoint.schemas import keys
from saddlepoint.work import EVALUATION, JOBS, TRAINING, Work
from worker.context import Context
from worker.reconciling.census import OpenCensus
from worker.reconciling.evaluations import Evaluations
from worker.reconciling.jobs import bring_on_job
from worker.reconciling.proofs import bring_on_training_proof
from worker.reconciling.trainings import bring_on_training
from worker.reconciling.uploads import Uploads
from worker.reconciling.webhooks import Webhooks

_LEFTOVERS_S = 3600.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Step:
    """What it is about, for the log, and what brings it on."""

    what: str
    action: Callable[[], object]
    job: Mapping[str, str] = field(default_factory=dict)
    """Its kind and id."""

    @classmethod
    def of(cls, work: Work, work_id: str, action: Callable[[], object], part: str = "") -> "_Step":
        return cls(f"{part}{work.name} {work_id}", action, {"kind": work.name, "id": work_id})


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
        for step in self._steps():
            if not may_go_on():
                return
            _attempt(step)

    def _steps(self) -> Iterator[_Step]:
        """Each is found when its turn comes."""
        context = self._context
        for queue in QUEUES:
            context.queue.recover_abandoned(queue)
        yield _Step("what is open", self._census.take)
        for training_id in _names(context, keys.ACTIVE_PROOFS):  # first, because they begin evaluations
            prove = partial(bring_on_training_proof, context, training_id)
            yield _Step.of(TRAINING, training_id, prove, "the proof of ")
        evaluation_ids = _names(context, keys.ACTIVE_EVALUATIONS)
        self._evaluations.keep_only(set(evaluation_ids))
        yield _Step("uploads", self._uploads.bring_on)
        active = context.queue.active(EVALUATE)  # once: it is all that waits, and there may be thousands
        for evaluation_id in evaluation_ids:
            yield _Step.of(EVALUATION, evaluation_id, partial(self._evaluations.bring_on, evaluation_id, active))
        for evaluation_id in _names(context, keys.PUBLISHING_EVALUATIONS):
            settle = partial(self._evaluations.settle, evaluation_id, active)
            yield _Step.of(EVALUATION, evaluation_id, settle, "the report of ")
        for training_id in _names(context, keys.ACTIVE_TRAININGS):
            yield _Step.of(TRAINING, training_id, partial(bring_on_training, context, training_id))
        for work in JOBS.values():
            for job_id in _names(context, keys.active_jobs(work.name)):
                yield _Step.of(work, job_id, partial(bring_on_job, context, work, job_id, active))
        yield _Step("webhooks", self._webhooks.bring_on)
        yield _Step("leftovers", partial(context.store.sweep, _LEFTOVERS_S))


def _names(context: Context, prefix: str) -> list[str]:
    return [key.removeprefix(prefix) for key in context.store.list(prefix)]


def _attempt(step: _Step) -> None:
    with working_on(**step.job):
        try:
            step.action()
        except Unavailable:
            raise
        except SaddlepointError as error:
            _log.error("%s: %s", step.what, error.message)
        except Exception:
            _log.exception("%s", step.what)
