"""A comparison of several methods: Table 1 of the ATPA paper, with what its numbers are worth."""

from typing import Any, Literal

from pydantic import Field

from saddlepoint.schemas.base import Schema, Timestamp
from saddlepoint.schemas.comparisons import Group, GroupsSpec, RandomPolicy, Score
from saddlepoint.schemas.reports import Interval


class GroupScore(Score):
    """What one method reaches, and how far that is from the first one; None in the first itself."""

    difference: float | None = None
    difference_ci95: Interval | None = None
    difference_method: str | None = None

    @property
    def sign(self) -> int:
        """1 where it is better than the first method, -1 where it is worse, 0 where the interval leaves it open."""
        if self.difference_ci95 is None:
            return 0
        low, high = self.difference_ci95
        return (low > 0) - (high < 0)


class GroupedCell(Schema):
    """One attack at one epsilon, under every method."""

    attack: str
    label: str
    epsilon: float
    action_mode: Literal["sample", "greedy"]
    episodes: int
    """Of each run."""
    scores: list[GroupScore]
    """In the order of `groups`."""

    @property
    def title(self) -> str:
        """`ce@4`: the label and the epsilon it is at."""
        return self.label if self.attack == "none" else f"{self.label}@{self.epsilon:g}"


class GroupsResult(Schema):
    """What `GET /v1/comparisons/{id}/result` answers where `groups` were compared."""

    id: str
    created_at: Timestamp
    spec: GroupsSpec
    env: dict[str, Any]
    setting: dict[str, Any]
    """The specification that all evaluations share."""
    groups: list[Group]
    paired: list[Literal["episodes", "runs"] | None]
    """Of each group: what its differences from the first are taken within; None for the first, and for two samples."""
    cells: list[GroupedCell]
    greedy_cells: list[GroupedCell] = Field(default_factory=list)
    """The `ce` cells again with greedy actions: a policy can owe its score to its randomness."""
    worst_cases: list[GroupScore]
    """Of each group: the mean over its runs of the worst case found for each; empty where nothing was attacked."""
    random_policy: RandomPolicy
    """The zero of `kept`, whose 100% is the first group without attack."""
    verdict: str
    """One sentence for a reader in a hurry."""
    warnings: list[str] = Field(default_factory=list)
    versions: dict[str, str]
    statistics: dict[str, Any]
