"""The two kinds of work that live longer than a request, as the keys of their artifacts by id."""

from collections.abc import Callable
from dataclasses import dataclass

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


EVALUATION = Work(
    "evaluation", keys.evaluation_spec, keys.evaluation_cancel, keys.active_evaluation, keys.evaluation_terminal
)
TRAINING = Work("training", keys.training_spec, keys.training_cancel, keys.active_training, keys.training_terminal)


def find_terminal(store: Store, work: Work, work_id: str) -> TerminalRecord | None:
    """How it ended, None while it goes on."""
    return find_record(store, work.terminal(work_id), TerminalRecord)
