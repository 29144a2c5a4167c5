"""The library's functions that the tasks drive, as a value: tests drive others, and the reconciler loads none."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from saddlepoint.evaluation.evidence import Evidence, NoEvidence
from saddlepoint.evaluation.steps import StepsTaken
from saddlepoint.evaluation.traces import Trace
from saddlepoint.schemas.evaluations import EvaluationSpec
from saddlepoint.schemas.examinations import Examination
from saddlepoint.schemas.plans import EpisodeResult, Plan, PlannedCell, Shard
from saddlepoint.schemas.policies import PolicyCard
from saddlepoint.schemas.reports import Cell, RobustnessReport
from saddlepoint.store import Store


class Play(Protocol):
    """`saddlepoint.evaluation.shards.play_shard`."""

    def __call__(
        self,
        plan: Plan,
        shard: Shard,
        model: bytes,
        *,
        finished: Callable[[int, int, int], bool],
        put: Callable[[EpisodeResult], None],
        heartbeat: Callable[[StepsTaken], None],
        keep: Callable[[EpisodeResult, Trace], None],
    ) -> None: ...


class FoldCell(Protocol):
    """`saddlepoint.evaluation.fold.fold_cell`."""

    def __call__(self, plan: Plan, cell: PlannedCell, episodes: Sequence[EpisodeResult]) -> Cell: ...


class FoldReport(Protocol):
    """`saddlepoint.evaluation.fold.fold_report`."""

    def __call__(
        self,
        plan: Plan,
        evaluation: EvaluationSpec,
        card: PolicyCard,
        episodes: Mapping[int, Sequence[EpisodeResult]],
        *,
        wall_time_s: float,
        examination: Examination,
    ) -> RobustnessReport: ...


class Examine(Protocol):
    """`saddlepoint.evaluation.examining.examine`."""

    def __call__(
        self,
        plan: Plan,
        card: PolicyCard,
        model: bytes,
        episodes: Mapping[int, Sequence[EpisodeResult]],
        *,
        alive: Callable[[], None],
    ) -> Examination: ...


class Show(Protocol):
    """`worker.showing.evidence_of` with what it loads."""

    def __call__(
        self, store: Store, plan: Plan, report: RobustnessReport, episodes: Mapping[int, Sequence[EpisodeResult]], /
    ) -> Evidence | NoEvidence: ...


@dataclass(frozen=True)
class Engine:
    """How shards are played and results become a report."""

    play: Play
    examine: Examine
    fold_cell: FoldCell
    fold_report: FoldReport
    show: Show
    render: Callable[[RobustnessReport, Evidence | NoEvidence], Mapping[str, bytes]]
    """`saddlepoint.evaluation.rendering.render`: the report's forms by extension, beside the JSON."""
