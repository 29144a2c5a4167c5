"""Jobs as they are sent: with links, and in lists and running commentary without their bulk."""

from saddlepoint.schemas.comparisons import Comparison
from saddlepoint.schemas.evaluations import Evaluation
from saddlepoint.schemas.landscapes import Landscape
from saddlepoint.schemas.leaderboard import Board
from saddlepoint.schemas.observation_attacks import ObservationAttack
from saddlepoint.schemas.trainings import Proof, Training
from service.snapshots import AnyJob


def evaluation_path(evaluation_id: str) -> str:
    return f"/v1/evaluations/{evaluation_id}"


def training_path(training_id: str) -> str:
    return f"/v1/trainings/{training_id}"


def attack_path(attack_id: str) -> str:
    return f"/v1/attacks/{attack_id}"


def landscape_path(landscape_id: str) -> str:
    return f"/v1/landscapes/{landscape_id}"


def comparison_path(comparison_id: str) -> str:
    return f"/v1/comparisons/{comparison_id}"


def board_path(board_id: str) -> str:
    return f"/v1/leaderboard/{board_id}"


def policy_path(policy_id: str) -> str:
    return f"/v1/policies/{policy_id}"


def with_links(job: AnyJob) -> AnyJob:
    """The same with links to what belongs to it, as paths on this service."""
    return job.model_copy(update={"links": _links(job)})


def _links(job: Evaluation | Training | ObservationAttack | Landscape | Comparison) -> dict[str, str]:
    if isinstance(job, Evaluation):
        return _of_evaluation(job)
    if isinstance(job, Training):
        return _of_training(job)
    path = _path_of(job)
    links = {"self": path, "cancel": f"{path}/cancel", "result": f"{path}/result"}
    return links | ({"policy": policy_path(job.policy_id)} if isinstance(job, ObservationAttack) else {})


def _path_of(job: ObservationAttack | Landscape | Comparison) -> str:
    if isinstance(job, ObservationAttack):
        return attack_path(job.id)
    return landscape_path(job.id) if isinstance(job, Landscape) else comparison_path(job.id)


def _of_evaluation(evaluation: Evaluation) -> dict[str, str]:
    path = evaluation_path(evaluation.id)
    parent = {"parent": evaluation_path(evaluation.parent)} if evaluation.parent else {}
    return {
        "self": path,
        "events": f"{path}/events",
        "cancel": f"{path}/cancel",
        "extend": f"{path}/extend",
        "report": f"{path}/report",
        "policy": policy_path(evaluation.policy_id),
        **parent,
    }


def _of_training(training: Training) -> dict[str, str]:
    path = training_path(training.id)
    links = {"self": path, "events": f"{path}/events", "cancel": f"{path}/cancel", "report": f"{path}/report"}
    return (
        links | ({"policy": policy_path(training.policy_id)} if training.policy_id else {}) | _of_proof(training.proof)
    )


def _of_proof(proof: Proof | None) -> dict[str, str]:
    if proof is None:
        return {}
    paths = {
        "parent_evaluation": proof.parent_evaluation and evaluation_path(proof.parent_evaluation),
        "evaluation": proof.evaluation and evaluation_path(proof.evaluation),
        "comparison": proof.comparison and comparison_path(proof.comparison),
    }
    return {name: path for name, path in paths.items() if path is not None}


def board_with_links(board: Board) -> Board:
    """The same with the path of the whole of it."""
    return board.model_copy(update={"links": {"self": board_path(board.id)}})


def without_bulk(job: AnyJob) -> AnyJob:
    """The same without what can be megabytes: finished cells, and the curve but for its last point."""
    if isinstance(job, Evaluation):
        return job.model_copy(update={"cells": []})
    if isinstance(job, Training):
        return job.model_copy(update={"progress": job.progress.model_copy(update={"curve": job.progress.curve[-1:]})})
    return job
