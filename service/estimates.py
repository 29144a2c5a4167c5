"""How long an evaluation will take, from those that ended here in the same environment, else from our own machines."""

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from saddlepoint.schemas.attacks import ResolvedAttack
from saddlepoint.schemas.environments import EnvironmentDescription
from saddlepoint.schemas.estimates import Estimate
from saddlepoint.schemas.evaluations import Evaluation
from saddlepoint.schemas.plans import Plan

_ATARI_STEPS = 2000
_OTHER_STEPS = 500
"""Of an episode that nobody has seen yet, unless it ends sooner."""
_ATARI_PASS_S = 2.2e-4
_OTHER_PASS_S = 6e-6
"""Of one row through the network, on one core of the README's machine, with its share of everything else."""
_ENOUGH = 5


@dataclass(frozen=True)
class Played:
    """What one evaluation took that has ended."""

    steps_per_episode: float
    pass_s: float
    """Seconds of all workers together, per pass of one row through the network."""


def played(evaluation: Evaluation) -> Played | None:
    """None for one that tells nothing: it failed, or found its episodes stored already."""
    progress = evaluation.progress
    if evaluation.status != "succeeded" or evaluation.finished_at is None or not progress.environment_steps:
        return None
    cells = [cell.attack for cell in evaluation.spec.cells()]
    passes = statistics.fmean(map(_passes, cells))
    seconds = (evaluation.finished_at - evaluation.created_at).total_seconds()
    return Played(
        steps_per_episode=progress.environment_steps / max(progress.episodes_done, 1),
        pass_s=seconds / (progress.environment_steps * passes),
    )


def estimate(plan: Plan, history: Sequence[Played], *, workers: int, evaluation_id: str | None) -> Estimate:
    """What the plan will cost. `history` is of the same environment, newest first."""
    recent = history[:_ENOUGH]
    length = statistics.median(one.steps_per_episode for one in recent) if recent else _usual_length(plan.environment)
    length = min(length, plan.max_episode_steps or length)
    counts = Counter(entry.cell for shard in plan.shards for entry in shard.entries)
    passes = sum(number * _passes(plan.cells[cell].attack) for cell, number in counts.items())
    pass_s = statistics.median(one.pass_s for one in recent) if recent else _usual_pass_s(plan, workers)
    return Estimate(
        episodes=plan.episodes_planned,
        cells=len(plan.cells),
        environment_steps=round(plan.episodes_planned * length),
        duration_s=round(passes * length * pass_s, 1),
        workers=workers,
        basis=_basis(plan.environment, len(recent)),
        evaluation_id=evaluation_id,
    )


def _passes(attack: ResolvedAttack) -> int:
    """Rows through the network at one attacked step: acting, and forward and backward of each gradient."""
    if not attack.uses_gradient:
        return 1 + attack.steps
    return 1 + 2 * attack.steps * attack.restarts * max(1, len(attack.members))


def _usual_length(environment: EnvironmentDescription) -> int:
    usual = _ATARI_STEPS if environment.env.is_atari else _OTHER_STEPS
    return min(usual, environment.max_episode_steps or usual)


def _usual_pass_s(plan: Plan, workers: int) -> float:
    """More workers than shards find nothing to do."""
    one = _ATARI_PASS_S if plan.environment.env.is_atari else _OTHER_PASS_S
    return one / max(1, min(workers, len(plan.shards)))


def _basis(environment: EnvironmentDescription, known: int) -> str:
    if known:
        evaluations = "the last evaluation" if known == 1 else f"the last {known} evaluations"
        return f"from {evaluations} of {environment.env.id} here"
    return f"a rough guess: no evaluation of {environment.env.id} has ended here yet"
