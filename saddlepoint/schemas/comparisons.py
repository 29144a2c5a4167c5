"""A comparison: evaluations of a candidate beside those of a baseline, a list each since a method is several runs."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from saddlepoint.errors import InvalidSpec
from saddlepoint.schemas.base import PROTOCOL_VERSION, Schema, Timestamp, digest
from saddlepoint.schemas.jobs import JobRecord, JobState
from saddlepoint.schemas.reports import Interval

MAX_RUNS = 50


class ComparisonSpec(Schema):
    """Which evaluations to compare; each is of one training run, and all have one specification but for the policy."""

    baseline: tuple[str, ...] = Field(min_length=1, max_length=MAX_RUNS)
    candidate: tuple[str, ...] = Field(min_length=1, max_length=MAX_RUNS)

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        named = [*self.baseline, *self.candidate]
        twice = next((name for name in named if named.count(name) > 1), None)
        if twice is not None:
            raise InvalidSpec(f"An evaluation counts once in a comparison; {twice[:64]} is named twice. Leave one out.")
        return self


class ComparisonRecord(JobRecord):
    spec: ComparisonSpec


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

    spec: ComparisonSpec
    verdict: str | None = None
    """None until it is made."""


def comparison_id(owner: str, spec: ComparisonSpec, generation: int) -> str:
    """The same evaluations are the same comparison, until that failed."""
    return digest("comparison", owner, spec.model_dump(mode="json"), PROTOCOL_VERSION, generation)
