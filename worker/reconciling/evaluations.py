"""Bringing evaluations on: planned, played, finished, ended, whatever was lost meanwhile."""

import logging

from saddlepoint.endings import end
from saddlepoint.queue import FINISH, SHARD
from saddlepoint.schemas import keys
from saddlepoint.schemas.evaluations import EvaluationRecord
from saddlepoint.schemas.plans import Plan
from saddlepoint.store import find_record
from saddlepoint.submission import enqueue_finish, enqueue_shards
from saddlepoint.work import EVALUATION, find_terminal
from worker.context import Context
from worker.damage import find_plan
from worker.episodes import is_finished
from worker.failing import ending_on_error
from worker.publications import settle_publication
from worker.reconciling.orphans import drop_orphan
from worker.reconciling.planning import plan_evaluation

_log = logging.getLogger(__name__)


class Evaluations:
    """Remembers plans and which of their shards are done, so that a pass reads only what may have changed."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._plans: dict[str, Plan] = {}
        self._done: dict[str, set[int]] = {}

    def bring_on(self, evaluation_id: str, active: frozenset[str]) -> None:
        """Do what an active evaluation lacks. Raises StoreError and Unavailable, to be repeated.

        `active` are jobs that waited or ran when the pass began: one that is queued since is not queued again, and
        one that ended since is looked at by the next pass.
        """
        context = self._context
        with ending_on_error(context, evaluation_id):
            if find_terminal(context.store, EVALUATION, evaluation_id):
                context.store.delete(keys.active_evaluation(evaluation_id))  # whoever ended it died before this
            elif context.store.exists(keys.evaluation_cancel(evaluation_id)):
                end(context.store, context.queue, EVALUATION, evaluation_id, "canceled")
            elif plan := self._find_plan(evaluation_id):
                self._complete(plan, active)
            elif record := find_record(context.store, keys.evaluation_spec(evaluation_id), EvaluationRecord):
                plan_evaluation(context, record)
            else:
                drop_orphan(context.store, keys.active_evaluation(evaluation_id))

    def settle(self, evaluation_id: str, active: frozenset[str]) -> None:
        """Take back the report of one that was canceled while it was put by somebody who died. Raises StoreError."""
        if FINISH.job_id(evaluation_id) not in active:
            settle_publication(self._context.store, evaluation_id)

    def keep_only(self, evaluation_ids: set[str]) -> None:
        """Forget what is no longer active."""
        for evaluation_id in set(self._plans) - evaluation_ids:
            del self._plans[evaluation_id], self._done[evaluation_id]

    def _find_plan(self, evaluation_id: str) -> Plan | None:
        if evaluation_id not in self._plans:
            plan = find_plan(self._context.store, evaluation_id)
            if plan is None:
                return None
            self._plans[evaluation_id], self._done[evaluation_id] = plan, set()
        return self._plans[evaluation_id]

    def _complete(self, plan: Plan, active: frozenset[str]) -> None:
        """Queue the shards that lack episodes and neither wait nor run, or the report if none does."""
        store, queue, done = self._context.store, self._context.queue, self._done[plan.evaluation_id]
        if FINISH.job_id(plan.evaluation_id) in active:
            return
        open_shards = [shard for shard in plan.shards if shard.index not in done]
        idle = [shard for shard in open_shards if SHARD.job_id(plan.evaluation_id, str(shard.index)) not in active]
        lacking = [shard for shard in idle if not is_finished(store, plan, shard.entries)]
        done.update(shard.index for shard in idle if shard not in lacking)
        if lacking:
            _log.info("evaluation %s: queueing %d shards", plan.evaluation_id, len(lacking))
            enqueue_shards(queue, plan, lacking)
        elif len(done) == len(plan.shards):
            enqueue_finish(queue, plan.evaluation_id)
            done.clear()  # making the report deletes episodes that turn out damaged: look again if it ends without one
