"""Queueing over RQ: JSON payloads of plain strings, and a job that waits or runs is not queued again."""

import math
import time
from contextlib import suppress
from functools import partial

import redis
from redis.client import Pipeline
from rq import Retry
from rq.exceptions import DuplicateJobError
from rq.job import Job
from rq.registry import StartedJobRegistry, clean_registries
from rq.results import Result
from rq.serializers import JSONSerializer

from saddlepoint.errors import Unavailable
from saddlepoint.queue import tallies
from saddlepoint.queue.activity import Activity
from saddlepoint.queue.census import Census, put_census, read_census
from saddlepoint.queue.connecting import ANSWER_S, connect, translated
from saddlepoint.queue.progress import ProgressHints
from saddlepoint.queue.reading import read_activity
from saddlepoint.queue.robust_queue import RobustQueue
from saddlepoint.queue.tasks import Task
from saddlepoint.tracing import carried

_RETRIES = 3
_FAILURE_KEPT_S = 300
_RESULT_KEPT_S = 10
"""Not 0: RQ then looks up the executions of killed workers, fails to find them, and runs a finished job again."""
_REQUEUE_LOCK_S = 5
_GRACE_S = 20.0
"""How long a job whose worker fell silent still counts as running: the workers' own watchdog takes it up first."""

_HOLD_LEASE = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""


class JobQueue(ProgressHints):
    """All queues of one Redis. Every method raises Unavailable while Redis is away."""

    def __init__(self, connection: redis.Redis) -> None:
        super().__init__(connection)
        self._hold_lease = connection.register_script(_HOLD_LEASE)

    @classmethod
    def open(cls, url: str, *, answer_s: float = ANSWER_S) -> "JobQueue":
        """The queues at a Redis URL; `answer_s` is how long one of its answers may take."""
        return cls(connect(url, answer_s=answer_s))

    def ping(self) -> None:
        """Raise Unavailable unless Redis answers."""
        with translated():
            self._connection.ping()

    def enqueue(self, task: Task, *arguments: str, timeout_s: float, first: bool = False) -> None:
        """Queue a task, perhaps before all others, unless the same one waits or runs.

        One that ended, or was lost, is queued again.
        """
        job_id = task.job_id(*arguments)
        push = partial(self._push, task, job_id, arguments, timeout_s, first)
        with translated():
            if push() or self._is_active(task.queue, job_id):
                return
            if self._connection.set(f"saddlepoint:requeue:{job_id}", "1", nx=True, ex=_REQUEUE_LOCK_S):
                self._forget_job(task.queue, job_id)
                push()

    def is_active(self, task: Task, *arguments: str) -> bool:
        """Whether this very job waits or runs."""
        with translated():
            return self._is_active(task.queue, task.job_id(*arguments))

    def active(self, queue: str) -> frozenset[str]:
        """The ids of all jobs of a queue that wait or run."""
        with translated():
            return self._active(queue)

    def activity(self) -> Activity:
        """Who works and what waits, for people to look at."""
        with translated():
            return read_activity(self._connection)

    def tally(self, *counts: tallies.Count) -> None:
        """Count what happened; while Redis is away it goes uncounted."""
        with suppress(Unavailable), translated():
            tallies.add(self._connection, counts)

    def totals(self) -> tallies.Totals:
        """What has been counted since Redis began."""
        with translated():
            return tallies.totals(self._connection)

    def put_census(self, census: Census) -> None:
        """Tell what is open, in the place of what was told last."""
        with translated():
            put_census(self._connection, census)

    def census(self) -> Census | None:
        """What was open when the reconciler looked last; None where it did not since Redis began."""
        with translated():
            return read_census(self._connection)

    def recover_abandoned(self, queue: str) -> None:
        """Queue again the jobs of workers that fell silent, unless somebody else is at it.

        Idle workers do so too; who is always idle does it in time when all workers are busy.
        """
        with translated():
            kept = self._queue(queue)
            if kept.acquire_maintenance_lock():
                try:
                    clean_registries(kept)
                finally:
                    kept.release_maintenance_lock()  # type: ignore[no-untyped-call]

    def hold_lease(self, name: str, holder: str, ttl_s: float) -> bool:
        """Take or renew a lease; False while somebody else holds it."""
        with translated():
            return bool(self._hold_lease(keys=[f"saddlepoint:lease:{name}"], args=[holder, int(ttl_s * 1000)]))

    def _push(self, task: Task, job_id: str, arguments: tuple[str, ...], timeout_s: float, first: bool) -> bool:
        """False where RQ knows the job already, be it alive or dead."""
        try:
            self._queue(task.queue).enqueue_call(
                task.function,
                args=arguments,
                timeout=math.ceil(timeout_s),
                result_ttl=_RESULT_KEPT_S,
                failure_ttl=_FAILURE_KEPT_S,
                job_id=job_id,
                meta=carried(),
                retry=Retry(max=_RETRIES),
                at_front=first,
                unique=True,
            )
        except DuplicateJobError:
            return False
        return True

    def _active(self, name: str) -> frozenset[str]:
        """Read at one instant, so that no job is missed on its way from one list to the next."""
        queue = self._queue(name)
        with self._connection.pipeline(transaction=True) as pipeline:
            pipeline.lrange(queue.key, 0, -1)
            pipeline.lrange(queue.intermediate_queue_key, 0, -1)
            self._running(pipeline, queue)
            waiting, taken, running = pipeline.execute()
        started = (StartedJobRegistry.parse_job_id(entry) for entry in running)
        return frozenset([*(entry.decode() for entry in (*waiting, *taken)), *started])

    def _is_active(self, name: str, job_id: str) -> bool:
        """The same of one job, which Redis looks for itself: the lists of many thousand shards stay where they are."""
        queue = self._queue(name)
        with self._connection.pipeline(transaction=True) as pipeline:
            pipeline.lpos(queue.key, job_id)
            pipeline.lpos(queue.intermediate_queue_key, job_id)
            self._running(pipeline, queue)
            waits_at, taken_at, running = pipeline.execute()
        return waits_at is not None or taken_at is not None or job_id in map(StartedJobRegistry.parse_job_id, running)

    def _running(self, pipeline: Pipeline, queue: RobustQueue) -> None:
        pipeline.zrangebyscore(queue.started_job_registry.key, time.time() - _GRACE_S, "+inf")

    def _forget_job(self, name: str, job_id: str) -> None:
        """Remove what RQ still knows of a job that neither waits nor runs."""
        queue = self._queue(name)
        with self._connection.pipeline(transaction=True) as pipeline:
            pipeline.delete(Job.key_for(job_id), Result.get_key(job_id))  # type: ignore[no-untyped-call]
            pipeline.zrem(queue.failed_job_registry.key, job_id)
            pipeline.zrem(queue.finished_job_registry.key, job_id)
            pipeline.execute()

    def _queue(self, name: str) -> RobustQueue:
        return RobustQueue(name, connection=self._connection, serializer=JSONSerializer)
