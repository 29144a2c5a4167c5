"""From the episodes of a plan to its robustness report: arithmetic only, and the same for any order of events."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from saddlepoint.evaluation.cells import fold_cell, relate, with_clean_states
from saddlepoint.evaluation.health import precision_check, with_random_beside
from saddlepoint.evaluation.protocol import protocol, statistics_used, versions
from saddlepoint.evaluation.remarks import verdict, warnings
from saddlepoint.evaluation.worst_case import epsilon_half_score, worst_by_epsilon, worst_case
from saddlepoint.schemas.applicability import unit_notes
from saddlepoint.schemas.evaluations import EvaluationSpec
from saddlepoint.schemas.examinations import Examination
from saddlepoint.schemas.plans import EpisodeResult, Plan, Role
from saddlepoint.schemas.policies import PolicyCard, space_notes
from saddlepoint.schemas.reports import Cell, RandomPolicyReference, Reference, RobustnessReport

__all__ = ["fold_cell", "fold_report"]

Episodes = Mapping[int, Sequence[EpisodeResult]]
"""By index of the plan's cell: all of its episodes."""
NOTHING_MORE = Examination()


def fold_report(
    plan: Plan,
    evaluation: EvaluationSpec,
    card: PolicyCard,
    episodes: Episodes,
    *,
    wall_time_s: float,
    created_at: datetime | None = None,
    examination: Examination = NOTHING_MORE,
) -> RobustnessReport:
    """The report of a finished plan. `created_at` is now unless given."""
    reference = _reference(plan, episodes)
    folded = _cells(plan, episodes, "cell", examination)
    clean = next((cell for cell in folded if cell.attack == "none"), None)
    cells = [relate(cell, clean, reference.returns) for cell in folded]
    greedy_cells = [relate(cell, clean, reference.returns) for cell in _cells(plan, episodes, "greedy", examination)]
    every = [result for results in episodes.values() for result in results]
    check = precision_check(every)
    worst = worst_case(cells, clean, reference.returns)
    by_epsilon = worst_by_epsilon(cells, clean, reference.returns)
    return RobustnessReport(
        id=plan.evaluation_id,
        created_at=created_at or datetime.now(UTC),
        policy=card.model_dump(mode="json"),
        env=plan.environment.env.model_dump(mode="json"),
        spec=evaluation.filled().model_dump(mode="json"),
        cells=[with_random_beside(cell, _noise_beside(cell, cells)) for cell in cells],
        greedy_cells=greedy_cells,
        reference=Reference(random_policy=reference),
        worst_case=worst,
        worst_by_epsilon=by_epsilon,
        epsilon_half_score=epsilon_half_score(by_epsilon),
        precision_check=check,
        verdict=verdict(worst, clean, reference.mean),
        warnings=[
            *warnings(cells, greedy_cells, clean, reference.mean, check, examination.hints),
            *unit_notes(evaluation.filled(), card),
            *space_notes(card, plan.environment),
        ],
        environment_steps=sum(result.length for result in every),
        wall_time_s=wall_time_s,
        versions=versions(),
        protocol=protocol(plan),
        statistics=statistics_used(),
    )


def _cells(plan: Plan, episodes: Episodes, role: Role, examination: Examination) -> list[Cell]:
    return [
        with_clean_states(fold_cell(plan, cell, episodes[cell.index]), examination.clean_states.get(cell.index))
        for cell in plan.cells
        if cell.role == role
    ]


def _reference(plan: Plan, episodes: Episodes) -> RandomPolicyReference:
    (index,) = (cell.index for cell in plan.cells if cell.role == "random_policy")
    ordered = sorted(episodes[index], key=lambda result: (result.seed, result.episode))
    returns = [result.episode_return for result in ordered]
    return RandomPolicyReference(mean=sum(returns) / len(returns), episodes=len(returns), returns=returns)


def _noise_beside(cell: Cell, cells: Sequence[Cell]) -> Cell | None:
    """The `random` cell of the same epsilon."""
    return next((other for other in cells if other.attack == "random" and other.epsilon == cell.epsilon), None)
