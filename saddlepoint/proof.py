"""What shows what a training gained: parent and child evaluated alike, compared, and all of it in one report.

Every step is found again by what it is made of, so it may be taken by anybody and any number of times: by the service
when the training is accepted, by the trainer when it has published, and by the reconciler, which leaves nothing undone.
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime

from saddlepoint.comparing import submit_comparison
from saddlepoint.errors import Conflict, NotFound, SaddlepointError, StoreError, Unavailable
from saddlepoint.generations import newest_generation
from saddlepoint.queue import JobQueue
from saddlepoint.schemas import keys
from saddlepoint.schemas.comparisons import ComparisonSpec
from saddlepoint.schemas.evaluations import EvaluationRecord, EvaluationSpec, evaluation_id, spec_hash
from saddlepoint.schemas.problems import problem_of
from saddlepoint.schemas.trainings import ProofPart, ProofRecord, TrainingRecord
from saddlepoint.state import find_proof_part
from saddlepoint.store import Store, find_record, get_record, put_record
from saddlepoint.submission import evaluation_is_accepted, submit_evaluation
from saddlepoint.training_reporting import submit_training_report
from saddlepoint.work import COMPARISON, EVALUATION, TRAINING, find_terminal

_log = logging.getLogger(__name__)


def ask_for_proof(store: Store, training_id: str, evaluation: EvaluationSpec) -> None:
    """Have a training's parent and child evaluated so; before the training itself is submitted.

    Raises Conflict where it is asked for with another evaluation: the first one stands.
    """
    place = keys.training_proof(training_id)
    if not store.exists(place):
        # The marker comes first, as that of an evaluation does.
        store.put(keys.active_proof(training_id), datetime.now(UTC).isoformat().encode())
        put_record(store, place, ProofRecord(evaluation=evaluation))
    stored = get_record(store, place, ProofRecord).evaluation
    if spec_hash(stored, "") != spec_hash(evaluation, ""):
        raise Conflict(
            f"The training {training_id} is there with another evaluation, and a training is evaluated once by itself. "
            "Send it without `evaluation`, evaluate both policies with POST /v1/evaluations, and compare them."
        )


def bring_on_proof(store: Store, queue: JobQueue, training_id: str) -> None:
    """Begin what can be begun now. Raises StoreError and Unavailable, to be repeated."""
    record = find_record(store, keys.training_spec(training_id), TrainingRecord)
    proof = find_record(store, keys.training_proof(training_id), ProofRecord)
    if record is None or proof is None or not store.exists(keys.active_proof(training_id)):
        return
    try:
        is_done = _Proving(store, queue, record, proof.evaluation).bring_on()
    except (StoreError, Unavailable):
        raise
    except SaddlepointError as error:
        _log.warning("training %s is not proved: %s", training_id, error.message)
        put_record(store, keys.training_proof_problem(training_id), problem_of(error))
        is_done = True
    if is_done:
        store.delete(keys.active_proof(training_id))


class _Proving:
    def __init__(self, store: Store, queue: JobQueue, record: TrainingRecord, evaluation: EvaluationSpec) -> None:
        self._store, self._queue, self._record, self._evaluation = store, queue, record, evaluation

    def bring_on(self) -> bool:
        """Whether nothing is left to begin. Raises the SaddlepointError for which there is no comparison."""
        terminal = find_terminal(self._store, TRAINING, self._record.id)
        if terminal is not None and terminal.status != "succeeded":
            return True
        parent = self._evaluated("parent_evaluation", self._record.spec.policy_id)
        child = self._evaluated("evaluation", terminal.policy_id if terminal else None)
        if child is None:
            return False
        if parent is None:
            return True
        if not all([self._has_succeeded(parent), self._has_succeeded(child)]):
            return False
        spec = ComparisonSpec(baseline=(parent,), candidate=(child,))
        comparison = self._once(
            "comparison", lambda: submit_comparison(self._store, self._queue, self._record.owner, spec)
        )
        return self._reported(comparison)

    def _reported(self, comparison: str) -> bool:
        """Whether the comparison has ended; the report that holds it is begun then."""
        terminal = find_terminal(self._store, COMPARISON, comparison)
        if terminal is not None and terminal.status == "succeeded":
            submit_training_report(self._store, self._queue, self._record, comparison)
        return terminal is not None

    def _evaluated(self, part: str, policy_id: str | None) -> str | None:
        """The evaluation of a policy, begun now if it was not; None where there is no policy."""
        return None if policy_id is None else self._once(part, lambda: self._submit_evaluation(policy_id))

    def _has_succeeded(self, wanted: str) -> bool:
        """False while it goes on. Raises Conflict where it ended otherwise."""
        terminal = find_terminal(self._store, EVALUATION, wanted)
        if terminal is not None and terminal.status != "succeeded":
            ended = "has failed" if terminal.status == "failed" else "was canceled"
            raise Conflict(
                f"The evaluation {wanted} {ended}, so there is nothing to compare. Evaluate and compare again."
            )
        return terminal is not None

    def _once(self, part: str, begin: Callable[[], str]) -> str:
        """The id of a part, which the first who began it has kept."""
        found = find_proof_part(self._store, self._record.id, part)
        if found is not None:
            return found
        place = keys.training_proof_part(self._record.id, part)
        put_record(self._store, place, ProofPart(id=begin()))
        return get_record(self._store, place, ProofPart).id

    def _submit_evaluation(self, policy_id: str) -> str:
        """Without a plan, which the reconciler makes."""
        store, owner = self._store, self._record.owner
        if not store.exists(keys.policy_card(policy_id)):
            raise NotFound(f"The policy {policy_id} was deleted before it was evaluated.")
        meaning = spec_hash(self._evaluation, policy_id)

        def numbered(generation: int) -> str:
            return evaluation_id(owner, meaning, generation)

        generation = newest_generation(store, EVALUATION, numbered)
        wanted = numbered(generation)
        if not evaluation_is_accepted(store, wanted):
            record = EvaluationRecord(
                id=wanted,
                owner=owner,
                generation=generation,
                policy_id=policy_id,
                spec=self._evaluation.model_copy(update={"policy_id": policy_id}),
                created_at=datetime.now(UTC),
            )
            submit_evaluation(store, self._queue, record, None)
        return wanted
