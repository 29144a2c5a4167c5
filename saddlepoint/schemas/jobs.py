"""Work beside evaluations and trainings: a number of chunks, each put once, and a result made of all of them."""

from pydantic import Field

from saddlepoint.schemas.base import Schema, Timestamp
from saddlepoint.schemas.evaluations import TERMINAL, Status
from saddlepoint.schemas.problems import Problem

_LONGEST_S = 60 * 24 * 3600.0
_SHORTEST_S = 3600.0
_STALL_S = 600.0
_GRADIENT_S = 0.05
"""Of one observation, many times what is needed: a deadline ends what never ends, not what is slow."""


class JobRecord(Schema):
    """What is stored before anything else. Everything that a chunk does follows from it and its number."""

    id: str
    owner: str
    generation: int = 0
    created_at: Timestamp
    chunks: int
    chunk_timeout_s: float
    stall_s: float = _STALL_S
    """How long a chunk may take from one sign of life to the next."""


class JobProgress(Schema):
    """In chunks."""

    done: int = 0
    planned: int = 0


class JobState(Schema):
    """The wire form of what all such work has in common."""

    id: str
    status: Status
    created_at: Timestamp
    finished_at: Timestamp | None = None
    progress: JobProgress = JobProgress()
    error: Problem | None = None
    links: dict[str, str] = Field(default_factory=dict)

    @property
    def is_terminal(self) -> bool:
        return self.status in TERMINAL


def stall_s(gradients: int) -> float:
    """How long a batch that takes so many may be silent."""
    return min(_STALL_S + gradients * _GRADIENT_S, _LONGEST_S)


def timeout_s(gradients: int) -> float:
    """When a chunk that takes so many gradients of single observations must be done at the latest."""
    return min(_SHORTEST_S + gradients * _GRADIENT_S, _LONGEST_S)
