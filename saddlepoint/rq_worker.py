"""A worker process over RQ that loses nothing when it is killed, and the loop around it.

What differs from RQ's own worker was found with kill -9: a silent worker's job is taken up after half a minute instead
of minutes, a work horse dies with its parent, a short absence of Redis does not end a job, and SIGTERM ends one at
once, because every job resumes where its artifacts end.
"""

import ctypes
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import NoReturn

import redis
from redis.client import Pipeline
from rq import Queue, Worker
from rq.exceptions import DeserializationError
from rq.executions import Execution
from rq.job import Job
from rq.serializers import JSONSerializer

from saddlepoint.errors import Unavailable
from saddlepoint.logs import working_on
from saddlepoint.pulse import beat
from saddlepoint.queue import Count, JobQueue, RobustQueue, connect, is_away, subject_of
from saddlepoint.settings import Settings
from saddlepoint.tracing import traced

_MISSED_BEATS = 6
_LONGEST_WAIT_S = 15.0
_PR_SET_PDEATHSIG = 1
_AGAIN_S = 0.05
_NAMED = 200
"""Characters of a job's arguments that its lines in the log name: its shard, or the start of an environment."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pace:
    """How often a worker looks around; a job of a killed worker runs again after about six heartbeats."""

    heartbeat_s: int = 5
    maintenance_s: int = 10
    worker_ttl_s: int = 30
    """RQ blocks on an empty queue for 15 s less."""


STANDARD_PACE = Pace()


class Interrupted(BaseException):
    """The worker was asked to stop. No Exception, so that a job's own error handling lets it through."""


OnDeath = Callable[[Sequence[str], int], None]
"""Told the arguments of a job whose process died of itself, and its wait status, before the job is tried again."""


class RobustWorker(Worker):
    """A fork-based worker of one queue."""

    queue_class = RobustQueue
    on_death: OnDeath | None = None
    pulse_file: Path | None = None
    _parent_pid = 0

    @property
    def stopped_on_request(self) -> bool:
        """Whether a signal ended its work, and no error."""
        return self._shutdown_requested_date is not None

    def get_heartbeat_ttl(self, job: Job, working_time: float = 0.0) -> int:
        return _MISSED_BEATS * int(self.job_monitoring_interval)

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        super().heartbeat(timeout, pipeline)
        beat(self.pulse_file)

    def execute_job(self, job: Job, queue: Queue) -> None:
        with working_on(**_about(job)):  # also what is said of it beside its process, which may die
            super().execute_job(job, queue)

    def fork_work_horse(self, job: Job, queue: Queue) -> None:
        self._parent_pid = os.getpid()
        super().fork_work_horse(job, queue)

    def perform_job(self, job: Job, queue: Queue, execution: Execution) -> bool:
        began = time.monotonic()
        task, perform = _task_of(job), partial(super().perform_job, job, queue, execution)
        done = traced(perform, task, job.meta, _about(job))
        labels = (queue.name, task, "done" if done else "failed")
        JobQueue(self.connection).tally(Count("job_seconds", labels, time.monotonic() - began))
        return done

    def setup_work_horse_signals(self) -> None:
        super().setup_work_horse_signals()  # type: ignore[no-untyped-call]
        signal.signal(signal.SIGTERM, _interrupt)
        sys.unraisablehook = _interrupt_again
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != self._parent_pid:  # the parent died before it could be watched
            os._exit(1)

    def handle_warm_shutdown_request(self) -> None:
        """Interrupt the job too. Not its process group, which is ours until the horse has made its own."""
        super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]
        if self.horse_pid:
            with suppress(ProcessLookupError):  # it ended just now, and the worker does not know yet
                os.kill(self.horse_pid, signal.SIGTERM)

    def handle_work_horse_killed(self, job: Job, retpid: int, ret_val: int, rusage: object) -> None:
        super().handle_work_horse_killed(job, retpid, ret_val, rusage)  # type: ignore[no-untyped-call]
        if ret_val and not self.stopped_on_request:
            JobQueue(self.connection).tally(Count("jobs_killed", (job.origin, _task_of(job))))
        if self.on_death is not None and ret_val and not self.stopped_on_request:
            self.on_death([str(argument) for argument in job.args], ret_val)

    def maintain_heartbeats(self, job: Job, execution: Execution) -> None:
        try:
            super().maintain_heartbeats(job, execution)
        except redis.RedisError as error:
            if not is_away(error):
                raise
            _log.warning("worker %s: no heartbeat, Redis is away: %s", self.name, error)

    def subscribe(self) -> None:
        """Take no commands: they are lost easily, and a thread less is a fork more safe."""


def run_worker(
    queue_name: str, settings: Settings, pace: Pace = STANDARD_PACE, *, on_death: OnDeath | None = None
) -> int:
    """Work on one queue until a signal; the exit status, which is 1 where a supervisor should start another."""
    with connect(settings.redis_url) as asking:
        _wait_for(JobQueue(asking))
    # A connection not used yet: RQ lengthens its pool's timeout for blocking reads, which an open socket would not see,
    # so that an idle worker would take every quiet spell for a lost Redis and be deaf while it backs off.
    connection = connect(settings.redis_url)
    worker = RobustWorker(
        [RobustQueue(queue_name, connection=connection, serializer=JSONSerializer)],
        connection=connection,
        serializer=JSONSerializer,
        worker_ttl=pace.worker_ttl_s,
        maintenance_interval=pace.maintenance_s,
        job_monitoring_interval=pace.heartbeat_s,
        log_job_description=False,
    )
    worker.on_death = on_death
    worker.pulse_file = settings.pulse_file
    try:
        worker.work(logging_level=_rq_level(settings.log_level))
    except redis.RedisError as error:
        _log.error("worker %s: Redis is gone: %s", worker.name, error)
    return 0 if worker.stopped_on_request else 1


def _about(job: Job) -> dict[str, str]:
    """What its lines in the log, and its span, name; nothing of one that cannot be read, which RQ lets fail."""
    try:
        subject, rest = subject_of(str(job.func_name), [str(argument) for argument in job.args])
    except DeserializationError:
        return {}
    return {"task": _task_of(job), **subject, **({"arguments": "/".join(rest)[:_NAMED]} if rest else {})}


def _task_of(job: Job) -> str:
    return str(job.func_name).rpartition(".")[2]


def _rq_level(level: str) -> str:
    """RQ tells of every look around at `info`; what our jobs do they tell themselves."""
    return "DEBUG" if level.lower() == "debug" else "WARNING"


def _wait_for(queue: JobQueue) -> None:
    wait_s = 0.5
    while True:
        try:
            return queue.ping()
        except Unavailable:
            _log.warning("Redis does not answer; trying again in %.1f s", wait_s)
            time.sleep(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)


def _interrupt(signum: int, frame: FrameType | None) -> NoReturn:
    del signum, frame
    raise Interrupted


def _interrupt_again(dropped: "sys.UnraisableHookArgs") -> None:
    """Python drops what is raised in a finaliser, as when the signal comes there: send it to ourselves once more."""
    if issubclass(dropped.exc_type, Interrupted):
        threading.Timer(_AGAIN_S, os.kill, (os.getpid(), signal.SIGTERM)).start()
    else:
        sys.__unraisablehook__(dropped)
