"""What evaluations and trainings look like from outside, put together from the store and the live hints.

Only a stored end is shown as an end, so a state that was shown never changes. Redis is asked only while work goes on.
"""

from collections.abc import Iterator

from saddlepoint.errors import NotFound
from saddlepoint.queue import JobQueue, Phase
from saddlepoint.schemas import keys
from saddlepoint.schemas.evaluations import Evaluation, EvaluationRecord, Progress, Status
from saddlepoint.schemas.plans import PlanSummary
from saddlepoint.schemas.problems import Problem
from saddlepoint.schemas.reports import Cell
from saddlepoint.schemas.training_config import TrainingConfig
from saddlepoint.schemas.trainings import (
    CurvePiece,
    CurvePoint,
    Proof,
    ProofPart,
    ProofRecord,
    Training,
    TrainingProgress,
    TrainingRecord,
)
from saddlepoint.store import Store, find_record, get_record
from saddlepoint.work import EVALUATION, TRAINING, find_terminal

PROOF_PARTS = ("parent_evaluation", "evaluation", "comparison")


def load_record(store: Store, evaluation_id: str) -> EvaluationRecord:
    """What was asked for, and by whom. Raises NotFound."""
    record = find_record(store, keys.evaluation_spec(evaluation_id), EvaluationRecord)
    if record is None:
        raise NotFound(f"There is no evaluation {evaluation_id}; GET /v1/evaluations lists yours.")
    return record


def load_evaluation(store: Store, queue: JobQueue, evaluation_id: str, *, cells: bool = True) -> Evaluation:
    """An evaluation as it is now, without links; `cells=False` spares a listing the reads of finished cells.

    Raises NotFound, and Unavailable while it goes on and Redis is away.
    """
    record = load_record(store, evaluation_id)
    terminal = find_terminal(store, EVALUATION, evaluation_id)
    status: Status
    if terminal:
        status, progress = terminal.status, terminal.progress
    else:
        status, progress = live_progress(store, queue, evaluation_id)
    return Evaluation(
        id=record.id,
        status=status,
        policy_id=record.policy_id,
        parent=record.parent,
        spec=record.spec,
        created_at=record.created_at,
        finished_at=terminal.finished_at if terminal else None,
        progress=progress,
        cells=list(_cells(store, evaluation_id)) if cells else [],
        error=terminal.error if terminal else None,
    )


def live_progress(store: Store, queue: JobQueue, evaluation_id: str) -> tuple[Phase, Progress]:
    """How far an evaluation is that goes on. Raises Unavailable."""
    live = queue.progress(evaluation_id)
    summary = find_record(store, keys.evaluation_plan_summary(evaluation_id), PlanSummary)
    return live.phase, Progress(
        episodes_done=live.episodes_done,
        episodes_planned=summary.episodes if summary else 0,
        environment_steps=live.environment_steps,
    )


def _cells(store: Store, evaluation_id: str) -> Iterator[Cell]:
    for key in store.list(keys.evaluation_cells(evaluation_id)):
        yield get_record(store, key, Cell)


def load_training(store: Store, queue: JobQueue, training_id: str, *, curve: bool = True) -> Training:
    """A training as it is now, without links; `curve=False` spares a listing all points but the last.

    Raises as `load_evaluation` does.
    """
    record = find_record(store, keys.training_spec(training_id), TrainingRecord)
    if record is None:
        raise NotFound(f"There is no training {training_id}; GET /v1/trainings lists yours.")
    terminal = find_terminal(store, TRAINING, training_id)
    live = None if terminal else queue.progress(training_id)
    points = load_curve(store, training_id) if curve else _last_point(store, training_id)
    config = TrainingConfig.model_validate(record.spec.config)
    proved = find_record(store, keys.training_proof(training_id), ProofRecord)
    steps_done = max([live.environment_steps if live else 0, *(point.steps for point in points)])
    return Training(
        id=record.id,
        status=terminal.status if terminal else live.phase if live else "queued",
        spec=record.spec.model_copy(update={"evaluation": proved.evaluation if proved else None}),
        created_at=record.created_at,
        finished_at=terminal.finished_at if terminal else None,
        progress=TrainingProgress(steps_done=steps_done, steps_planned=config.updates * config.batch, curve=points),
        policy_id=terminal.policy_id if terminal else None,
        proof=_proof(store, training_id) if proved else None,
        error=terminal.error if terminal else None,
    )


def _proof(store: Store, training_id: str) -> Proof:
    """As far as it has come. The marker is read first: once it is gone, all parts are there."""
    is_pending = store.exists(keys.active_proof(training_id))
    parts = {name: find_proof_part(store, training_id, name) for name in PROOF_PARTS}
    error = find_record(store, keys.training_proof_problem(training_id), Problem)
    return Proof(is_pending=is_pending, error=error, **parts)


def find_proof_part(store: Store, training_id: str, name: str) -> str | None:
    """The id of a part of a training's proof, None where it is not there yet."""
    part = find_record(store, keys.training_proof_part(training_id, name), ProofPart)
    return part.id if part else None


def load_curve(store: Store, training_id: str) -> list[CurvePoint]:
    """The points in order; where two attempts trained the same update, the one with the higher number counts."""
    found = sorted(store.list(keys.training_curves(training_id)), key=keys.curve_attempt)
    pieces = (get_record(store, key, CurvePiece) for key in found)
    points = {point.update: point for piece in pieces for point in piece.points}
    return [points[update] for update in sorted(points)]


def _last_point(store: Store, training_id: str) -> list[CurvePoint]:
    """In a list, which is empty before the first."""
    last = max(store.list(keys.training_curves(training_id)), default=None)
    return [] if last is None else list(get_record(store, last, CurvePiece).points[-1:])
