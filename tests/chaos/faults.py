"""What may happen to a stack, each fault to a process that is at work: where there is none, nothing happens."""

import resource
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from random import Random

import psutil
import redis

from tests.chaos.stack import Stack, horses_of
from tests.processes import kill, limit_files, wait_until

FROZEN_S = 9.0
"""Longer than six heartbeats of a second, after which an impatient worker is taken for dead."""
_FULL_S = 4.0
_ROLES = ("valkey", "service", "validator", "evaluator", "reconciler", "trainer")


@dataclass(frozen=True)
class Hit:
    """What a fault struck. `undo` ends it, after `undo_after_s`."""

    role: str
    pid: int
    at_work: bool
    undo: Callable[[], None] | None = None
    undo_after_s: float = 0.0


Fault = Callable[[Stack, Random], Hit | None]


def kill_horse(stack: Stack, random: Random, *, role: str = "evaluator") -> Hit | None:
    return _struck(f"{role} horse", [horse for worker in _busy(stack, role) for horse in horses_of(worker)], random)


def kill_worker(stack: Stack, random: Random, *, role: str = "evaluator") -> Hit | None:
    """The parent of a horse only: the horse must die with it."""
    return _struck(role, _busy(stack, role), random)


def kill_service(stack: Stack, random: Random, *, is_asked: Callable[[], bool]) -> Hit | None:
    """At work means amid a request."""
    return _struck("service", stack.processes("service") if is_asked() else [], random)


def kill_reconciler(stack: Stack, random: Random) -> Hit | None:
    """At work means that it has work to look after."""
    return _struck("reconciler", stack.processes("reconciler") if stack.has_work() else [], random)


def kill_valkey(stack: Stack, random: Random) -> Hit | None:
    """At work means that a job runs."""
    return _struck("valkey", stack.processes("valkey") if stack.horses("evaluator") else [], random)


def lose_valkey(stack: Stack, random: Random) -> Hit | None:
    """Kill it, and let it come back with nothing."""
    hit = kill_valkey(stack, random)
    if hit:
        wait_until(lambda: not stack.processes("valkey"), within_s=10, what="the death of Valkey")
        stack.lose_queue()
    return hit


def wipe_valkey(stack: Stack, random: Random) -> Hit | None:
    """FLUSHALL while all goes on."""
    running = stack.processes("valkey")
    if not running or not stack.horses("evaluator"):
        return None
    try:
        with redis.Redis.from_url(stack.redis_url) as client:
            client.flushall()
    except redis.RedisError:  # it is starting
        return None
    return Hit("valkey", running[0].pid, at_work=True)


def freeze_worker(stack: Stack, random: Random) -> Hit | None:
    """Longer than its heartbeat lasts, so that another one takes its job up, and both go on at the end."""
    workers = _busy(stack, "evaluator")
    if len(workers) < 2:  # who should take it up?
        return None
    worker = random.choice(workers)
    family = [worker, *horses_of(worker)]
    _signal(family, signal.SIGSTOP)
    return Hit("evaluator", worker.pid, len(family) > 1, partial(_signal, family, signal.SIGCONT), FROZEN_S)


def fail_writes(stack: Stack, random: Random) -> Hit | None:
    """Nothing that a worker and its horse write arrives: the system refuses it (EFBIG)."""
    workers = _busy(stack, "evaluator")
    return _limited("evaluator", [random.choice(workers)]) if workers else None


def fill_disk(stack: Stack, random: Random) -> Hit | None:
    """Likewise for everybody."""
    everybody = [process for role in _ROLES for process in stack.processes(role)]
    return _limited("all", everybody) if stack.horses("evaluator") else None


def _busy(stack: Stack, role: str) -> list[psutil.Process]:
    """The workers that do a job, and are not frozen."""
    return [worker for worker in stack.processes(role) if not _is_frozen(worker) and horses_of(worker)]


def _is_frozen(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_STOPPED)
    except psutil.NoSuchProcess:
        return False


def _struck(role: str, candidates: Sequence[psutil.Process], random: Random) -> Hit | None:
    if not candidates:
        return None
    victim = random.choice(candidates)
    return Hit(role, victim.pid, at_work=kill(victim.pid))


def _signal(processes: Sequence[psutil.Process], signum: signal.Signals) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signum)


def _limited(role: str, processes: Sequence[psutil.Process]) -> Hit:
    _limit(processes, 0)
    return Hit(role, processes[0].pid, True, partial(_limit, processes, resource.RLIM_INFINITY), _FULL_S)


def _limit(processes: Sequence[psutil.Process], size: int) -> None:
    for process in processes:
        limit_files(process, size)
