"""A comparison: evaluations of a candidate beside those of a baseline, a list each since a method is several runs."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from saddlepoint.errors import InvalidSpec
from saddlepoint.schemas.base import PROTOCOL_VERSION, Schema, Timestamp, digest
from saddlepoint.schemas.jobs import JobRecord, JobState
from saddlepoint.schemas.reports import Interval

MAX_RUNS = 50
MAX_GROUPS = 20
Runs = Annotated[tuple[str, ...], Field(min_length=1, max_length=MAX_RUNS)]
"""Ids of evaluations, each of one training run."""
GroupName = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^\S(.*\S)?$")]


class ComparisonSpec(Schema):
    """Which evaluations to compare; each is of one training run, and all have one specification but for the policy."""

    baseline: Runs
    candidate: Runs

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        _check_distinct(self.evaluations)
        return self

    @property
    def evaluations(self) -> tuple[str, ...]:
        """All that are named."""
        return (*self.baseline, *self.candidate)


class GroupsSpec(Schema):
    """The same of more than two sides: the evaluations of each method under its name.

    The first is the one that the others are held against.
    """

    groups: dict[GroupName, Runs] = Field(min_length=2, max_length=MAX_GROUPS)

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        _check_distinct(self.evaluations)
        return self

    @property
    def evaluations(self) -> tuple[str, ...]:
        """All that are named."""
        return tuple(name for runs in self.groups.values() for name in runs)


AnyComparisonSpec = ComparisonSpec | GroupsSpec


def _check_distinct(named: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in named:
        if name in seen:
            raise InvalidSpec(f"An evaluation counts once in a comparison; {name[:64]} is named twice. Leave one out.")
        seen.add(name)


class ComparisonRecord(JobRecord):
    spec: AnyComparisonSpec


class ComparedRun(Schema):
    """One training run: what was evaluated, and by which evaluation."""

    evaluation_id: str
    policy_id: str
    name: str | None = None
    method: str | None = None
    """That it was trained with, where that was here."""


class Group(Schema):
    """The runs of one side."""

    title: str
    """Its method or its policy's name, unlike the other side's."""
    runs: list[ComparedRun]


class RunMean(Schema):
    """The mean return of one run."""

    evaluation_id: str
    policy_id: str
    mean: float


class Score(Schema):
    """What one side reaches in a cell."""

    mean: float
    """Over its runs, each of which counts alike."""
    ci95: Interval | None
    method: str
    """How the interval was made."""
    kept: float | None = None
    """(mean - random policy) / (baseline without attack - random policy); None where the baseline does not beat it."""
    kept_ci95: Interval | None = None
    best_run: RunMean | None = None
    """None where there is one run only, as is `worst_run`."""
    worst_run: RunMean | None = None


class ComparedCell(Schema):
    """One attack at one epsilon, on both sides."""

    attack: str
    label: str
    epsilon: float
    action_mode: Literal["sample", "greedy"]
    episodes: int
    """Of each run."""
    baseline: Score
    candidate: Score
    difference: float
    """Candidate minus baseline."""
    difference_ci95: Interval | None
    difference_method: str

    @property
    def title(self) -> str:
        """`ce@4`: the label and the epsilon it is at."""
        return self.label if self.attack == "none" else f"{self.label}@{self.epsilon:g}"

    @property
    def sign(self) -> int:
        """1 where the candidate is better, -1 where it is worse, 0 where the interval leaves it open."""
        if self.difference_ci95 is None:
            return 0
        low, high = self.difference_ci95
        return (low > 0) - (high < 0)


class RandomPolicy(Schema):
    """The zero of `kept`."""

    mean: float
    episodes: int


class ComparisonResult(Schema):
    """What `GET /v1/comparisons/{id}/result` answers."""

    id: str
    created_at: Timestamp
    spec: ComparisonSpec
    env: dict[str, Any]
    setting: dict[str, Any]
    """The specification that all evaluations share."""
    baseline: Group
    candidate: Group
    paired: Literal["episodes", "runs"] | None
    """What differences are taken within: the episodes of one run a side, or runs and those trained from them."""
    cells: list[ComparedCell]
    greedy_cells: list[ComparedCell] = Field(default_factory=list)
    """The `ce` cells again with greedy actions: a policy can owe its score to its randomness."""
    random_policy: RandomPolicy
    verdict: str
    """One sentence for a reader in a hurry."""
    warnings: list[str] = Field(default_factory=list)
    versions: dict[str, str]
    statistics: dict[str, Any]


class ComparisonSummary(Schema):
    """As it is stored beside the result."""

    verdict: str


class Comparison(JobState):
    """The wire form."""

    spec: AnyComparisonSpec
    verdict: str | None = None
    """None until it is made."""


def comparison_id(owner: str, spec: AnyComparisonSpec, generation: int) -> str:
    """The same evaluations are the same comparison, until that failed. Of groups, the order counts too."""
    meaning = [*spec.groups.items()] if isinstance(spec, GroupsSpec) else spec.model_dump(mode="json")
    return digest("comparison", owner, meaning, PROTOCOL_VERSION, generation)
