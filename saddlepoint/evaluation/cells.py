"""A cell of the report: the episodes of one attack at one epsilon, folded."""

from collections.abc import Sequence

import numpy as np

from saddlepoint.evaluation.health import attack_health
from saddlepoint.evaluation.statistics import cvar10, estimate, iqm, normalized, paired_difference, standard_deviation
from saddlepoint.schemas.environments import EnvironmentSpec
from saddlepoint.schemas.examinations import CleanStates
from saddlepoint.schemas.plans import EpisodeResult, Plan, PlannedCell
from saddlepoint.schemas.policies import CONTINUOUS_HEADS, Head
from saddlepoint.schemas.reports import Cell


def fold_cell(plan: Plan, cell: PlannedCell, episodes: Sequence[EpisodeResult]) -> Cell:
    """What the episodes of a cell (at least one) come to on their own; `relate` adds what takes other cells."""
    ordered = sorted(episodes, key=lambda episode: (episode.seed, episode.episode))
    returns = [episode.episode_return for episode in ordered]
    mean = estimate(returns)
    worst_seed, worst_seed_mean = _worst_seed(ordered)
    attacked = sum(episode.attacked_steps for episode in ordered)
    distinct = len({episode.actions_digest for episode in ordered})
    return Cell(
        attack=cell.attack.kind,
        label=cell.name,
        epsilon=cell.attack.epsilon,
        steps=cell.attack.steps,
        step_size=cell.attack.step_size,
        action_mode=cell.action_mode,
        episodes=len(ordered),
        seeds=[episode.seed for episode in ordered],
        returns=returns,
        lengths=[episode.length for episode in ordered],
        mean=mean.mean,
        std=standard_deviation(returns),
        ci95=mean.ci95,
        ci95_method=mean.method,
        median=float(np.median(returns)),
        iqm=iqm(returns),
        cvar10=cvar10(returns),
        worst_seed=worst_seed,
        worst_seed_mean=worst_seed_mean,
        **_differences(plan.head.kind, ordered, attacked),
        max_linf=max(episode.max_linf for episode in ordered),
        attacked_share=attacked / sum(episode.length for episode in ordered),
        truncated=sum(episode.truncated for episode in ordered),
        distinct_trajectories=distinct,
        health=attack_health(cell.attack, ordered, has_flips=plan.head.kind not in CONTINUOUS_HEADS),
        warnings=_repeated(plan.environment.env, cell, distinct, len(ordered)),
    )


def relate(cell: Cell, clean: Cell | None, random_returns: Sequence[float]) -> Cell:
    """The cell beside the unattacked one and the random policy's returns.

    The difference is paired, and so only taken where both cells choose their actions alike.
    """
    if clean is None:
        return cell
    update: dict[str, object] = {}
    score = normalized(cell.returns, clean.returns, random_returns)
    if score is not None:
        update |= {"normalized": score.mean, "normalized_ci95": score.ci95}
    if cell.action_mode == clean.action_mode and cell.attack != "none":
        difference = paired_difference(cell.returns, clean.returns)
        update |= {"difference_to_clean": difference.mean, "difference_ci95": difference.ci95}
    return cell.model_copy(update=update)


def with_clean_states(cell: Cell, found: CleanStates | None) -> Cell:
    """The cell with what its attack does at states of unattacked episodes."""
    if found is None:
        return cell
    return cell.model_copy(
        update={
            "clean_states": found.states,
            "clean_states_flip_rate": found.flip_rate,
            "clean_states_kl": found.mean_kl,
        }
    )


def _differences(head: Head, episodes: Sequence[EpisodeResult], attacked: int) -> dict[str, float | None]:
    """How far the perturbed policy was from the clean one, by what can be said of its kind."""
    shares = {
        "flip_rate": _share([episode.flips for episode in episodes], attacked),
        "mean_kl": _share([episode.kl_sum for episode in episodes], attacked),
        "mean_tv": _share([episode.tv_sum for episode in episodes], attacked),
        "mean_action_shift": _share([episode.action_shift_sum for episode in episodes], attacked),
    }
    if head not in CONTINUOUS_HEADS:
        return shares | {"mean_action_shift": None}
    return shares | {"flip_rate": None, "mean_tv": None} | ({"mean_kl": None} if head == "action" else {})


def _share(values: Sequence[float], steps: int) -> float | None:
    return sum(values) / steps if steps else None


def _worst_seed(episodes: Sequence[EpisodeResult]) -> tuple[int, float]:
    """The seed with the lowest mean return, the smallest of equals, and that mean."""
    by_seed: dict[int, list[float]] = {}
    for episode in episodes:
        by_seed.setdefault(episode.seed, []).append(episode.episode_return)
    means = {seed: sum(returns) / len(returns) for seed, returns in by_seed.items()}
    worst = min(means, key=lambda seed: (means[seed], seed))
    return worst, means[worst]


def _repeated(env: EnvironmentSpec, cell: PlannedCell, distinct: int, episodes: int) -> list[str]:
    """Greedy actions in a game without chance repeat trajectories, and repeated ones are no new evidence."""
    deterministic = env.is_atari and env.repeat_action_probability == 0
    if not deterministic or cell.action_mode != "greedy" or 2 * distinct > episodes or episodes == 1:
        return []
    return [
        f"Only {distinct} of {episodes} trajectories differ: greedy actions in a game without chance repeat "
        "themselves, and the interval is narrower than it should be."
    ]
