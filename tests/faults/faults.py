"""What may happen to a stack: each fault says whether there was anything for it to strike."""

import os
import signal
from collections.abc import Callable
from contextlib import suppress

from tests.faults.stack import Stack
from tests.processes import family, is_running, kill, wait_until

Fault = Callable[[Stack], bool]


def strike(fault: Fault, stack: Stack) -> None:
    """Let a fault happen while the evaluation goes on: between two jobs there is nothing to strike."""

    def has_struck() -> bool:
        stack.supervise()
        assert not stack.evaluation_has_ended(), f"the evaluation ended before {fault.__name__} could strike"
        return fault(stack)

    wait_until(has_struck, within_s=60, what=fault.__name__)


def kill_a_horse(stack: Stack) -> bool:
    return any(kill(horse) for horses in stack.playing().values() for horse in horses)


def kill_a_worker(stack: Stack) -> bool:
    """Its parent only: the horse must die with it."""
    for worker, orphans in stack.playing().items():
        kill(worker)
        wait_until(lambda: not any(map(is_running, orphans)), within_s=10, what="the death of the orphan")  # noqa: B023
        return True
    return False


def kill_all_workers(stack: Stack) -> bool:
    plays = bool(stack.playing())
    for worker in stack.workers() if plays else []:
        kill(worker)
    return plays


def stop_a_worker(stack: Stack) -> bool:
    for worker in stack.playing():
        os.kill(worker, signal.SIGTERM)
        return True
    return False


def kill_the_reconciler(stack: Stack) -> bool:
    return kill(stack.processes[0].pid)


def wipe_redis(stack: Stack) -> bool:
    stack.flush()
    return True


def restart_redis(stack: Stack) -> bool:
    stack.restart_redis(away_s=2)
    return True


def freeze_a_worker(stack: Stack) -> bool:
    """Longer than its heartbeat lasts, so that another one takes its job up."""
    for worker in stack.playing():
        frozen = family(worker)
        _signal(frozen, signal.SIGSTOP)
        stack.pause(8)
        _signal(frozen, signal.SIGCONT)
        return True
    return False


def _signal(pids: list[int], signum: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
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
