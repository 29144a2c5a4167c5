"""What may happen to a stack."""

import os
import signal
from collections.abc import Callable

import psutil

from tests.faults.stack import Stack
from tests.processes import family, is_running, kill, wait_until

Fault = Callable[[Stack], None]


def kill_a_horse(stack: Stack) -> None:
    for pid in stack.horses()[:1]:
        kill(pid)


def kill_a_worker(stack: Stack) -> None:
    """Its parent only: the horse must die with it."""
    for pid in stack.workers()[:1]:
        orphans = family(pid)[1:]
        kill(pid)
        wait_until(lambda: not any(map(is_running, orphans)), within_s=3, what="the death of the orphan")  # noqa: B023


def kill_all_workers(stack: Stack) -> None:
    for pid in stack.workers():
        kill(pid)


def stop_a_worker(stack: Stack) -> None:
    for pid in stack.workers()[:1]:
        os.kill(pid, signal.SIGTERM)


def kill_the_reconciler(stack: Stack) -> None:
    kill(stack.processes[0].pid)


def wipe_redis(stack: Stack) -> None:
    stack.flush()


def restart_redis(stack: Stack) -> None:
    stack.restart_redis(away_s=2)


def freeze_a_worker(stack: Stack) -> None:
    """Longer than its heartbeat lasts, so that another one takes its job up."""
    frozen = [pid for worker in stack.workers()[:1] for pid in family(worker)]
    _signal(frozen, signal.SIGSTOP)
    stack.pause(8)
    _signal(frozen, signal.SIGCONT)


def _signal(pids: list[int], signum: signal.Signals) -> None:
    for pid in pids:
        if psutil.pid_exists(pid):
            os.kill(pid, signum)


FAULTS: list[Fault] = [
    kill_a_horse,
    kill_a_worker,
    kill_all_workers,
    stop_a_worker,
    kill_the_reconciler,
    wipe_redis,
    restart_redis,
    freeze_a_worker,
]
