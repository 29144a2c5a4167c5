"""The processes of a stack, seen from outside."""

import psutil

from clients.background import RunningStack

_EVALUATOR = ["worker", "--queue", "evaluate"]


def members(stack: RunningStack) -> list[psutil.Process]:
    """`up` and everything below it."""
    up = psutil.Process(stack.pid)
    return [up, *up.children(recursive=True)]


def horses(stack: RunningStack) -> list[psutil.Process]:
    """The processes in which evaluators play."""
    evaluators = [process for process in members(stack) if _words(process)[-3:] == _EVALUATOR]
    parents = {process.pid for process in evaluators}
    return [process for process in evaluators if process.ppid() in parents]


def running(stack: RunningStack, name: str) -> psutil.Process:
    """The process of the stack that is a program of that name, or runs a module of that name."""
    (found,) = [process for process in members(stack)[1:] if name in (process.name(), *_words(process)[-1:])]
    return found


def still_there(processes: list[psutil.Process], timeout_s: float = 10.0) -> list[psutil.Process]:
    """Those that have not ended in time."""
    _, alive = psutil.wait_procs(processes, timeout=timeout_s)
    return [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


def _words(process: psutil.Process) -> list[str]:
    """Its command line, empty once it has ended."""
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []
