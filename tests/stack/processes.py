"""The processes of a stack, seen from outside."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil

from clients.background import RunningStack
from saddlepoint.schemas import keys
from saddlepoint.schemas.plans import Plan
from saddlepoint.store import Store, find_record
from tests.processes import wait_until
from worker.episodes import is_finished

_EVALUATOR = ["worker", "--queue", "evaluate"]


def members(stack: RunningStack) -> list[psutil.Process]:
    """`up` and everything below it."""
    up = psutil.Process(stack.pid)
    return [up, *up.children(recursive=True)]


def horses(stack: RunningStack) -> list[psutil.Process]:
    """The processes in which evaluators play."""
    evaluators = [process for process in members(stack) if _words(process)[-3:] == _EVALUATOR]
    parents = {process.pid for process in evaluators}
    return [process for process in evaluators if _parent(process) in parents]


@contextmanager
def held_player(stack: RunningStack, store: Store, evaluation_id: str) -> Iterator[psutil.Process]:
    """The horse of a lone evaluator, stopped in the middle of a shard; unless it is killed, it goes on at the end."""
    held: list[psutil.Process] = []

    def is_held() -> bool:
        assert not store.exists(keys.evaluation_terminal(evaluation_id)), "it ended before it could be held"
        for horse in horses(stack):
            with suppress(psutil.NoSuchProcess):
                horse.suspend()
                if _is_amid_a_shard(store, evaluation_id):
                    held.append(horse)
                else:
                    horse.resume()
        return bool(held)

    wait_until(is_held, within_s=120, what="an episode under way")
    try:
        yield held[0]
    finally:
        with suppress(psutil.NoSuchProcess):
            held[0].resume()


def _is_amid_a_shard(store: Store, evaluation_id: str) -> bool:
    """Whether a shard was begun that is not finished."""
    plan = find_record(store, keys.evaluation_plan(evaluation_id), Plan)
    return plan is not None and any(
        not is_finished(store, plan, shard.entries)
        for shard in plan.shards
        if list(store.list(keys.evaluation_attempts(evaluation_id, shard.index)))
    )


def running(stack: RunningStack, name: str) -> psutil.Process:
    """The process of the stack that is a program of that name, or runs a module of that name."""
    (found,) = [process for process in members(stack)[1:] if name in (_name(process), *_words(process)[-1:])]
    return found


def still_there(processes: list[psutil.Process], timeout_s: float = 40.0) -> list[psutil.Process]:
    """Those that have not ended in time."""
    _, alive = psutil.wait_procs(processes, timeout=timeout_s)
    return [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


def _parent(process: psutil.Process) -> int | None:
    """None once it has ended."""
    try:
        return int(process.ppid())
    except psutil.Error:
        return None


def _name(process: psutil.Process) -> str:
    """Empty once it has ended."""
    try:
        return str(process.name())
    except psutil.Error:
        return ""


def _words(process: psutil.Process) -> list[str]:
    """Its command line, empty once it has ended."""
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []
