"""Who works, at what, and what waits; in words, and without telling of other people's jobs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from saddlepoint.queue import (
    CHUNK,
    DESCRIBE,
    EVALUATE,
    FINISH,
    SHARD,
    TRAIN,
    TRAINING,
    VALIDATE,
    VALIDATION,
    Activity,
    QueuedTask,
)
from saddlepoint.schemas import keys
from saddlepoint.schemas.evaluations import EvaluationRecord
from saddlepoint.schemas.trainings import TrainingRecord
from saddlepoint.store import Store, find_record

Owns = Callable[[str], bool]
"""Whether the evaluation or training of that id is the reader's."""

QUEUE_TITLES = {
    VALIDATION: ("Uploads", "looks at uploaded files, confined"),
    EVALUATE: ("Evaluations", "plays episodes and makes reports"),
    TRAINING: ("Trainings", "trains and hardens policies"),
}
"""What each queue is for, and what its workers do."""
_REMEDIES = {
    VALIDATION: "python -m worker --queue validate",
    EVALUATE: "python -m worker --queue evaluate",
    TRAINING: "python -m trainer",
}


@dataclass(frozen=True)
class Doing:
    """What a task is about; `path` leads to its page where the reader may see it."""

    text: str
    path: str | None = None


@dataclass(frozen=True)
class QueueRow:
    title: str
    purpose: str
    workers: int
    busy: int
    waiting: int
    oldest_at: datetime | None
    remedy: str | None
    """What to start where nobody serves the queue."""


@dataclass(frozen=True)
class WorkerRow:
    queue: str
    host: str
    pid: int
    started_at: datetime
    doing: Doing | None
    since: datetime | None


def queue_rows(activity: Activity) -> list[QueueRow]:
    """All queues, each with those who serve it."""
    return [
        QueueRow(
            title=QUEUE_TITLES[queue.name][0],
            purpose=QUEUE_TITLES[queue.name][1],
            workers=activity.workers_of(queue.name),
            busy=queue.running,
            waiting=queue.waiting,
            oldest_at=queue.oldest.since if queue.oldest else None,
            remedy=None if activity.workers_of(queue.name) else _REMEDIES[queue.name],
        )
        for queue in activity.queues
    ]


def worker_rows(activity: Activity, owns: Owns) -> list[WorkerRow]:
    """All workers that gave a sign of life lately."""
    return [
        WorkerRow(
            queue=QUEUE_TITLES[worker.queue][0] if worker.queue in QUEUE_TITLES else worker.queue,
            host=worker.host,
            pid=worker.pid,
            started_at=worker.started_at,
            doing=doing(worker.task, owns) if worker.task else None,
            since=worker.task.since if worker.task else None,
        )
        for worker in activity.workers
    ]


def doing(task: QueuedTask, owns: Owns) -> Doing:
    """A task in words."""
    described = _DESCRIPTIONS.get(task.function)
    return Doing("other work") if described is None else described(task.arguments, owns)


def _shard(arguments: Sequence[str], owns: Owns) -> Doing:
    return _of_evaluation(f"plays part {int(arguments[1]) + 1}", arguments[0], owns)


def _finish(arguments: Sequence[str], owns: Owns) -> Doing:
    return _of_evaluation("makes the report", arguments[0], owns)


def _of_evaluation(verb: str, evaluation_id: str, owns: Owns) -> Doing:
    if not owns(evaluation_id):
        return Doing(f"{verb} of somebody else's evaluation")
    return Doing(f"{verb} of evaluation {evaluation_id[:8]}", f"/evaluations/{evaluation_id}")


def _training(arguments: Sequence[str], owns: Owns) -> Doing:
    if not owns(arguments[0]):
        return Doing("somebody else's training")
    return Doing(f"training {arguments[0][:8]}", f"/trainings/{arguments[0]}")


_DESCRIPTIONS: dict[str, Callable[[Sequence[str], Owns], Doing]] = {
    VALIDATE.function: lambda arguments, owns: Doing("looks at an upload"),
    DESCRIBE.function: lambda arguments, owns: Doing("looks at an environment"),
    SHARD.function: _shard,
    FINISH.function: _finish,
    CHUNK.function: lambda arguments, owns: Doing(f"works on a {arguments[0]}"),
    TRAIN.function: _training,
}


def owner_check(store: Store, owner: str) -> Owns:
    """Whether what a task names is `owner`'s; asks the store."""

    def owns(job_id: str) -> bool:
        records = ((keys.evaluation_spec, EvaluationRecord), (keys.training_spec, TrainingRecord))
        return any(_owner_of(store, key(job_id), schema) == owner for key, schema in records)

    return owns


def _owner_of(store: Store, key: str, schema: type[EvaluationRecord] | type[TrainingRecord]) -> str | None:
    record = find_record(store, key, schema)
    return record.owner if record else None
