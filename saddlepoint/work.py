"""The kinds of work that live longer than a request, as the keys of their artifacts by id."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from saddlepoint.schemas import keys
from saddlepoint.schemas.evaluations import TerminalRecord
from saddlepoint.store import Store, find_record


@dataclass(frozen=True)
class Work:
    """A kind of work."""

    name: str
    spec: Callable[[str], str]
    cancel: Callable[[str], str]
    active: Callable[[str], str]
    terminal: Callable[[str], str]
    is_urgent: bool = False
    """Done before what waits already: it takes moments, and somebody waits for it after hours of other work."""


EVALUATION = Work(
    "evaluation", keys.evaluation_spec, keys.evaluation_cancel, keys.active_evaluation, keys.evaluation_terminal
)
TRAINING = Work("training", keys.training_spec, keys.training_cancel, keys.active_training, keys.training_terminal)


def _job(kind: str, *, is_urgent: bool = False) -> Work:
    spec, cancel = partial(keys.job_spec, kind), partial(keys.job_cancel, kind)
    return Work(kind, spec, cancel, partial(keys.active_job, kind), partial(keys.job_terminal, kind), is_urgent)


ATTACK = _job("attack")
LANDSCAPE = _job("landscape")
COMPARISON = _job("comparison", is_urgent=True)
TRAINING_REPORT = _job("training-report", is_urgent=True)
JOBS = {work.name: work for work in (ATTACK, LANDSCAPE, COMPARISON, TRAINING_REPORT)}
"""Those that are made of chunks."""
WORKS = {work.name: work for work in (EVALUATION, TRAINING, *JOBS.values())}


def find_terminal(store: Store, work: Work, work_id: str) -> TerminalRecord | None:
    """How it ended, None while it goes on."""
    return find_record(store, work.terminal(work_id), TerminalRecord)
