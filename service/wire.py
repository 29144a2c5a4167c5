"""Jobs as they are sent: with links, and in lists and running commentary without their bulk."""

from saddlepoint.schemas.evaluations import Evaluation
from saddlepoint.schemas.trainings import Training
from service.snapshots import Job


def evaluation_path(evaluation_id: str) -> str:
    return f"/v1/evaluations/{evaluation_id}"


def training_path(training_id: str) -> str:
    return f"/v1/trainings/{training_id}"


def policy_path(policy_id: str) -> str:
    return f"/v1/policies/{policy_id}"


def with_links(job: Job) -> Job:
    """The same with links to what belongs to it, as paths on this service."""
    links = _of_evaluation(job) if isinstance(job, Evaluation) else _of_training(job)
    return job.model_copy(update={"links": links})


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
    links = {"self": path, "events": f"{path}/events", "cancel": f"{path}/cancel"}
    return links | ({"policy": policy_path(training.policy_id)} if training.policy_id else {})


def without_bulk(job: Job) -> Job:
    """The same without what can be megabytes: finished cells, and the curve but for its last point."""
    if isinstance(job, Evaluation):
        return job.model_copy(update={"cells": []})
    return job.model_copy(update={"progress": job.progress.model_copy(update={"curve": job.progress.curve[-1:]})})
