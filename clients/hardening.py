"""Hardening as a flow: audit, train, audit again, compare. Asked for again, every step is the same one."""

import sys
from asyncio import CancelledError
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clients.hardened import Hardened
from clients.jobs import EVALUATIONS, TRAININGS
from clients.operations import Environment, Operations
from clients.progress import Progress, tell
from clients.report import Report
from clients.requests import Card, SpecFields, TrainingFields, evaluation_spec, hardening_config, plain
from clients.trained import TrainedReport
from clients.watched import Training
from clients.wire import Flow
from saddlepoint.errors import Conflict, NotFound
from saddlepoint.schemas.applicability import shared_mode


def harden(
    operations: Operations,
    policy: str | Path,
    env: Environment,
    card: Card | None,
    progress: Progress,
    wanted: TrainingFields,
    spec: SpecFields,
) -> Flow[Hardened]:
    """The service is told of the whole at once, and goes on where this is interrupted."""
    known = yield from operations.card_of(policy, card)
    if spec.get("epsilon_scale") == "observation_std" and known.observation_std:
        spec = {**spec, "epsilon_scale": known.observation_std}
    if spec.get("action_mode") is None and (mode := shared_mode(known)):
        spec = {**spec, "action_mode": mode}  # as the service decides, also where it has the training already
    wanted = {**wanted, "config": hardening_config(wanted.get("config", {}), spec)}
    training, evaluation = yield from _begin(operations, env, known.id, wanted, evaluation_spec(env, spec))
    try:
        parent = yield from _audit(operations, "Audit", known.id, evaluation, progress)
        tell(progress, f"Hardening by {training.spec.method}: training {training.id}")
        training = yield from operations.wait(TRAININGS, training.id, progress)
        published = str(training.policy_id)
        child = yield from _audit(operations, "Audit of what came of it", published, evaluation, progress)
    except (KeyboardInterrupt, CancelledError):
        sys.stderr.write(f"{operations.parting.from_hardening(training.id)}\n")
        raise
    tell(progress, "Comparing the two")
    comparison = yield from operations.compare([parent.id], [child.id])
    report = yield from _report_if_any(operations, training.id)
    model = yield from operations.model(published)
    return Hardened(training, parent, child, comparison, report, model)


def _begin(
    operations: Operations, env: Environment, policy_id: str, wanted: TrainingFields, evaluation: Mapping[str, Any]
) -> Flow[tuple[Training, Mapping[str, Any]]]:
    """The training, and how both policies are evaluated.

    A training that was evaluated otherwise before is taken as it is, and evaluated once more from here.
    """
    body = {"env": env, "policy_id": policy_id, **wanted}
    try:
        training = yield from operations.begin_training({**body, "evaluation": evaluation})
    except Conflict:
        training = yield from operations.begin_training(body)
        return training, evaluation
    return training, evaluation if training.spec.evaluation is None else plain(training.spec.evaluation)


def _audit(
    operations: Operations, what: str, policy_id: str, evaluation: Mapping[str, Any], progress: Progress
) -> Flow[Report]:
    started = yield from operations.begin_evaluation({**evaluation, "policy_id": policy_id})
    tell(progress, f"{what}: evaluation {started.id}")
    yield from operations.wait(EVALUATIONS, started.id, progress)
    return (yield from operations.report(started.id))


def _report_if_any(operations: Operations, training_id: str) -> Flow[TrainedReport | None]:
    """None where it cannot be made, for which nobody should lose what took hours."""
    try:
        return (yield from operations.training_report(training_id))
    except NotFound:
        return None
