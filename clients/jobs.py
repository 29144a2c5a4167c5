"""What the service works on for a while: evaluations and trainings, which are watched and canceled alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from clients.watched import Evaluation, Training
from saddlepoint.errors import Canceled, JobFailed, SaddlepointError
from saddlepoint.schemas.evaluations import TERMINAL
from saddlepoint.schemas.jobs import JobState
from saddlepoint.schemas.problems import error_of
from saddlepoint.schemas.reports import RobustnessReport

J = TypeVar("J", Evaluation, Training)
S = TypeVar("S", bound=JobState)


@dataclass(frozen=True)
class JobKind(Generic[J]):
    """A kind of job: how it is called, where it lies, and how it reads."""

    noun: str
    collection: str
    model: type[J]

    def path(self, job_id: str) -> str:
        return f"{self.collection}/{job_id}"


EVALUATIONS = JobKind("evaluation", "/v1/evaluations", Evaluation)
TRAININGS = JobKind("training", "/v1/trainings", Training)


Evaluated = Evaluation | RobustnessReport | str
"""An evaluation, by itself, its report or its id."""
Groups = Mapping[str, Evaluated | Sequence[Evaluated]]
"""The evaluations of each method, by its name."""


def id_of(job: Evaluated | Training) -> str:
    return job if isinstance(job, str) else job.id


def ids_of(side: Evaluated | Sequence[Evaluated]) -> list[str]:
    """Of one evaluation or several."""
    return [id_of(side)] if isinstance(side, Evaluated) else [id_of(each) for each in side]


def groups_of(groups: Groups) -> dict[str, list[str]]:
    """Ids by method."""
    return {name: ids_of(runs) for name, runs in groups.items()}


def is_terminal(job: Evaluation | Training) -> bool:
    return job.status in TERMINAL


def ended(kind: JobKind[J], job: J) -> J:
    """`job` if it succeeded. Raises Canceled, or JobFailed whose cause is the error that the service tells of."""
    _check(job, kind.noun)
    return job


def succeeded(job: S, noun: str) -> S:
    """Likewise, of a job without events."""
    _check(job, noun)
    return job


def _check(job: Evaluation | Training | JobState, noun: str) -> None:
    if job.status == "succeeded":
        return
    if job.status == "canceled":
        raise Canceled(f"The {noun} {job.id} was canceled.")
    if job.error is None:
        raise JobFailed(f"The {noun} {job.id} failed; the service gives no reason.")
    cause: SaddlepointError = error_of(job.error)
    raise JobFailed(f"The {noun} {job.id} failed: {cause} [{job.error.code}]") from cause
