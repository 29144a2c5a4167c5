"""What is looked at once all episodes of an evaluation are there: what their own numbers cannot say."""

from pydantic import Field

from saddlepoint.schemas.base import Schema


class CleanStates(Schema):
    """An attack on states of unattacked episodes, where every attack meets the same ones."""

    states: int
    flip_rate: float | None = None
    """Share at which the greedy action changes; None where actions are numbers."""
    mean_kl: float | None = None
    """Of clean || perturbed, nats; None where actions are given outright."""


class Examination(Schema):
    """Put once, so that a report that is made again says the same."""

    clean_states: dict[int, CleanStates] = Field(default_factory=dict)
    """By index of the plan's cell."""
    hints: list[str] = Field(default_factory=list)
    """Where the clean score does not beat the random policy: what was tried, and what helps."""
