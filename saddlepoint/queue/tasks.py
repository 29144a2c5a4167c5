"""What can be queued: functions by name, so that whoever enqueues need not import them."""

from collections.abc import Sequence
from dataclasses import dataclass

from saddlepoint.schemas.base import digest

VALIDATION = "validate"
EVALUATE = "evaluate"
TRAINING = "train"


@dataclass(frozen=True)
class Task:
    """A function of a worker by its dotted name, and the queue that it waits in. Its arguments are strings."""

    function: str
    queue: str
    kind: str | None = None
    """Of what its first argument is the id of; None where it is no id."""

    def job_id(self, *arguments: str) -> str:
        """The same task with the same arguments is the same job."""
        return f"{self.function.rpartition('.')[2]}-{digest(self.function, *arguments)}"


VALIDATE = Task("worker.tasks.validate_upload", VALIDATION, "upload")
"""upload_id"""
DESCRIBE = Task("worker.tasks.describe_environment", VALIDATION)
"""EnvironmentSpec as JSON"""
SHARD = Task("worker.tasks.play_shard", EVALUATE, "evaluation")
"""evaluation_id, shard"""
FINISH = Task("worker.tasks.finish_evaluation", EVALUATE, "evaluation")
"""evaluation_id"""
CHUNK = Task("worker.tasks.run_chunk", EVALUATE)
"""kind of work, its id, chunk"""
TRAIN = Task("trainer.tasks.run_training", TRAINING, "training")
"""training_id"""

_KINDS = {task.function: task.kind for task in (VALIDATE, SHARD, FINISH, TRAIN)}


def subject_of(function: str, arguments: Sequence[str]) -> tuple[dict[str, str], Sequence[str]]:
    """What a job is about, as the `kind` and `id` of its log's lines, and the arguments that say no part of it."""
    if function == CHUNK.function:
        return {"kind": arguments[0], "id": arguments[1]}, arguments[2:]
    kind = _KINDS.get(function)
    return ({}, arguments) if kind is None else ({"kind": kind, "id": arguments[0]}, arguments[1:])
