"""An evaluation's page: how far it is, what came out so far, and what was asked for."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool

from saddlepoint.schemas.evaluations import Evaluation, SpecCell
from saddlepoint.schemas.policies import PolicyCard
from saddlepoint.schemas.reports import Cell
from service.context import Context
from service.dashboard.lists import policy_title
from service.headlines import Headline
from service.ownership import find_card
from service.report_forms import REPORT_FORMATS

_FORMAT_TITLES = {
    "json": "JSON, with every episode",
    "md": "Markdown",
    "csv": "CSV, a row an episode",
    "parquet": "Parquet, a row an episode",
    "junit": "JUnit",
    "badge": "Badge",
}
_NEED_A_THRESHOLD = frozenset({"junit", "badge"})
"""Verdicts of a gate, which a page has no threshold for."""


@dataclass(frozen=True)
class CellRow:
    """An attack at an epsilon; `cell` is None until all its episodes have ended."""

    name: str
    epsilon: float | None
    cell: Cell | None
    is_worst: bool = False
    normalized: float | None = None
    """Known at the end."""


@dataclass(frozen=True)
class Download:
    title: str
    path: str


@dataclass(frozen=True)
class EvaluationView:
    evaluation: Evaluation
    policy: PolicyCard | None
    headline: Headline | None
    rows: list[CellRow]
    facts: list[tuple[str, str]]
    downloads: list[Download]

    @property
    def title(self) -> str:
        return policy_title(self.policy, self.evaluation.policy_id)


async def read_evaluation_view(context: Context, owner: str, evaluation_id: str) -> EvaluationView:
    """Raises NotFound, also for what is somebody else's, and Unavailable."""
    evaluation = (await context.evaluations.get(owner, evaluation_id)).job
    policy = await run_in_threadpool(find_card, context.store, owner, evaluation.policy_id)
    headline = None
    if evaluation.status == "succeeded":
        headline = await run_in_threadpool(context.headlines.find, evaluation_id)
    return evaluation_view(evaluation, policy, headline)


def evaluation_view(evaluation: Evaluation, policy: PolicyCard | None, headline: Headline | None) -> EvaluationView:
    """The page's values."""
    return EvaluationView(
        evaluation=evaluation,
        policy=policy,
        headline=headline,
        rows=cell_rows(evaluation.spec.cells(), evaluation.cells, headline),
        facts=spec_facts(evaluation),
        downloads=_downloads(evaluation) if headline else [],
    )


def cell_rows(planned: Sequence[SpecCell], finished: Sequence[Cell], headline: Headline | None) -> list[CellRow]:
    """Every cell that was asked for, and behind them those of the same attacks with greedy actions."""
    worst = headline.worst_case if headline else None
    left = list(finished)
    rows = []
    for wanted in planned:
        cell = next((one for one in left if (one.label, one.epsilon) == (wanted.name, wanted.attack.epsilon)), None)
        if cell is not None:
            left.remove(cell)
        is_worst = cell is not None and worst is not None and (worst.label, worst.epsilon) == (cell.label, cell.epsilon)
        left_over = headline.normalized(wanted.name, wanted.attack.epsilon) if headline else None
        rows.append(CellRow(wanted.name, _epsilon_of(wanted), cell, is_worst, left_over))
    return rows + [CellRow(f"{cell.label}, greedy actions", cell.epsilon, cell) for cell in left]


def spec_facts(evaluation: Evaluation) -> list[tuple[str, str]]:
    """What was asked for, but for what is as usual."""
    spec, usual = evaluation.spec, type(evaluation.spec).model_fields
    seeds, per_seed = spec.counts()
    epsilons = ", ".join(f"{value:g}" for value in spec.filled().epsilon or ())
    facts = [("Size", f"{seeds} seeds × {per_seed} episodes, in each of {len(spec.cells())} rows")]
    if epsilons:
        facts.append(("Epsilon", f"{epsilons}, in {'pixel values' if spec.env.is_atari else 'observation units'}"))
    facts.append(("Gradient steps", str(spec.steps)))
    for name in ("step_size", "action_mode", "precision", "max_episode_steps", "require_clean_score"):
        value = getattr(spec, name)
        if value != usual[name].default:
            facts.append((name.replace("_", " ").capitalize(), str(value)))
    if spec.when.kind != "always":
        facts.append(("Attacks when", spec.when.kind.replace("_", " ")))
    return facts


def _epsilon_of(cell: SpecCell) -> float | None:
    return None if cell.attack.kind == "none" else cell.attack.epsilon


def _downloads(evaluation: Evaluation) -> list[Download]:
    path = evaluation.links["report"]
    offered = [name for name in REPORT_FORMATS if name != "html" and name not in _NEED_A_THRESHOLD]
    return [Download(_FORMAT_TITLES.get(name, name), f"{path}?format={name}") for name in offered]
