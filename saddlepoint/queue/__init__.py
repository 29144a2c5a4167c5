"""Jobs over RQ on Redis: what to run, what runs, and how far it is. All of it may vanish; the store is the truth."""

from saddlepoint.queue.activity import QUEUES, Activity, QueueActivity, QueuedTask, WorkerActivity
from saddlepoint.queue.census import Census, OpenWork
from saddlepoint.queue.connecting import connect, is_away
from saddlepoint.queue.jobs import JobQueue
from saddlepoint.queue.progress import LiveProgress, Phase
from saddlepoint.queue.robust_queue import RobustQueue
from saddlepoint.queue.tallies import TALLIES, Count, Observed, Tally, Totals
from saddlepoint.queue.tasks import (
    CHUNK,
    DESCRIBE,
    EVALUATE,
    FINISH,
    SHARD,
    TRAIN,
    TRAINING,
    VALIDATE,
    VALIDATION,
    Task,
    subject_of,
)

__all__ = [
    "CHUNK",
    "DESCRIBE",
    "EVALUATE",
    "FINISH",
    "QUEUES",
    "SHARD",
    "TALLIES",
    "TRAIN",
    "TRAINING",
    "VALIDATE",
    "VALIDATION",
    "Activity",
    "Census",
    "Count",
    "JobQueue",
    "LiveProgress",
    "Observed",
    "OpenWork",
    "Phase",
    "QueueActivity",
    "QueuedTask",
    "RobustQueue",
    "Tally",
    "Task",
    "Totals",
    "WorkerActivity",
    "connect",
    "is_away",
    "subject_of",
]
