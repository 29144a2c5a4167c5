"""Who works at what, in words."""

from datetime import UTC, datetime

import pytest

from saddlepoint.queue import (
    CHUNK,
    EVALUATE,
    FINISH,
    SHARD,
    TRAIN,
    VALIDATE,
    VALIDATION,
    Activity,
    QueueActivity,
    QueuedTask,
    Task,
    WorkerActivity,
)
from service.dashboard.workers import Doing, doing, queue_rows, worker_rows

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def task(of: Task, *arguments: str) -> QueuedTask:
    return QueuedTask(of.function, arguments, NOON)


@pytest.mark.parametrize(
    ("queued", "expected"),
    [
        (
            task(SHARD, "mine-evaluation", "2"),
            Doing("plays part 3 of evaluation mine-eva", "/evaluations/mine-evaluation"),
        ),
        (task(SHARD, "theirs", "2"), Doing("plays part 3 of somebody else's evaluation")),
        (task(FINISH, "mine"), Doing("makes the report of evaluation mine", "/evaluations/mine")),
        (task(TRAIN, "mine"), Doing("training mine", "/trainings/mine")),
        (task(TRAIN, "theirs"), Doing("somebody else's training")),
        (task(VALIDATE, "upload"), Doing("looks at an upload")),
        (task(CHUNK, "landscape", "x", "0"), Doing("works on a landscape")),
        (QueuedTask("elsewhere.task", (), NOON), Doing("other work")),
    ],
)
def test_a_task_is_told_in_words_and_links_to_what_is_the_readers(queued: QueuedTask, expected: Doing) -> None:
    assert doing(queued, lambda job_id: job_id.startswith("mine")) == expected


def test_a_queue_that_nobody_serves_says_what_to_start() -> None:
    worker = WorkerActivity("w", EVALUATE, "host", 7, NOON, NOON, task(SHARD, "theirs", "0"))
    waiting = QueueActivity(EVALUATE, 4, 1, task(SHARD, "mine", "1"))
    activity = Activity((QueueActivity(VALIDATION, 0, 0, None), waiting), (worker,))
    uploads, evaluations = queue_rows(activity)
    assert (uploads.workers, uploads.remedy) == (0, "python -m worker --queue validate")
    assert (evaluations.workers, evaluations.busy, evaluations.waiting) == (1, 1, 4)
    assert (evaluations.oldest_at, evaluations.remedy) == (NOON, None)
    (row,) = worker_rows(activity, lambda job_id: False)
    assert (row.queue, row.host, row.pid, row.doing) == (
        "Evaluations",
        "host",
        7,
        Doing("plays part 1 of somebody else's evaluation"),
    )
