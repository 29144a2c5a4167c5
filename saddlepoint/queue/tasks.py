"""What can be queued: functions by name, so that whoever enqueues need not import them."""

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

    def job_id(self, *arguments: str) -> str:
        """The same task with the same arguments is the same job."""
        return f"{self.function.rpartition('.')[2]}-{digest(self.function, *arguments)}"


VALIDATE = Task("worker.tasks.validate_upload", VALIDATION)
"""upload_id"""
DESCRIBE = Task("worker.tasks.describe_environment", VALIDATION)
"""EnvironmentSpec as JSON"""
SHARD = Task("worker.tasks.play_shard", EVALUATE)
"""evaluation_id, shard"""
FINISH = Task("worker.tasks.finish_evaluation", EVALUATE)
"""evaluation_id"""
CHUNK = Task("worker.tasks.run_chunk", EVALUATE)
"""kind of work, its id, chunk"""
TRAIN = Task("trainer.tasks.run_training", TRAINING)
"""training_id"""
