"""Whether an attack worked as an attack."""

from collections.abc import Sequence

from saddlepoint.evaluation.statistics import paired_difference
from saddlepoint.evaluation.strength import strength_of
from saddlepoint.schemas.attacks import ATTACKS, ResolvedAttack
from saddlepoint.schemas.plans import EpisodeResult
from saddlepoint.schemas.reports import AttackHealth, Cell, PrecisionCheck

ZERO_GRADIENT_LIMIT = 0.01
RISES_LIMIT = 0.9
LOSS_TOLERANCE, FLIP_TOLERANCE = 0.01, 0.01
"""Of gradients of lower precision: relative loss, and share of flips."""


def attack_health(
    attack: ResolvedAttack, episodes: Sequence[EpisodeResult], *, has_flips: bool = True
) -> AttackHealth | None:
    """Over all attacked steps of a cell; None where there are none."""
    steps = sum(episode.attacked_steps for episode in episodes)
    if steps == 0:
        return None
    zero_gradient = sum(episode.zero_gradient for episode in episodes) / steps
    loss_rises = sum(episode.loss_rises for episode in episodes) / steps
    strength = strength_of(attack, episodes, has_flips=has_flips)
    follows_gradient = ATTACKS[attack.kind].uses_gradient
    # A worst of a set is told by another loss than most of its members climb.
    stuck = _flags(zero_gradient, 1.0 if attack.kind == "worst" else loss_rises) if follows_gradient else []
    return AttackHealth(
        zero_gradient=zero_gradient,
        loss_rises=loss_rises,
        mean_loss=sum(episode.loss_sum for episode in episodes) / steps,
        mean_best_loss=sum(episode.best_loss_sum for episode in episodes) / steps,
        flags=[*stuck, *strength.flags] if follows_gradient else [],
        working=not (follows_gradient and (stuck or strength.masked)),
        **strength.numbers,
    )


def _flags(zero_gradient: float, loss_rises: float) -> list[str]:
    flags = []
    if zero_gradient > ZERO_GRADIENT_LIMIT:
        flags.append(
            f"The gradient was zero everywhere on {zero_gradient:.1%} of the attacked steps: there the attack could "
            "not climb, and the policy may be weaker than this shows."
        )
    if loss_rises < RISES_LIMIT:
        flags.append(
            f"The loss rose above the clean observation's on only {loss_rises:.1%} of the attacked steps: the attack "
            "hardly works here (too large a step, or masked gradients), and the policy may be weaker than this shows."
        )
    return flags


def with_random_beside(cell: Cell, noise: Cell | None) -> Cell:
    """Flag an attack whose returns lie above those of `noise`, uniform noise of the same epsilon.

    Harmless: an attack raises its loss step by step, which need not lower the return of the whole game the most.
    """
    if noise is None or cell.health is None or not ATTACKS[cell.attack].uses_gradient:
        return cell
    above = paired_difference(cell.returns, noise.returns)
    if above.ci95 is None or above.ci95[0] <= 0:
        return cell
    flag = (
        f"Random noise of the same size brings the return lower ({noise.mean:.4g} against {cell.mean:.4g}): this "
        "attack is not the worst one here. That is harmless; take the worst case of all attacks."
    )
    return cell.model_copy(update={"health": cell.health.model_copy(update={"flags": [*cell.health.flags, flag]})})


def precision_check(episodes: Sequence[EpisodeResult]) -> PrecisionCheck | None:
    """What gradients of lower precision cost the attacks, on the steps where both were taken; None without such."""
    steps = sum(episode.checked_steps for episode in episodes)
    if steps == 0:
        return None
    loss = sum(episode.checked_loss_sum for episode in episodes) / steps
    loss_fp32 = sum(episode.checked_loss_fp32_sum for episode in episodes) / steps
    flips = sum(episode.checked_flips for episode in episodes)
    flips_fp32 = sum(episode.checked_flips_fp32 for episode in episodes)
    return PrecisionCheck(
        steps=steps,
        mean_loss=loss,
        mean_loss_fp32=loss_fp32,
        flip_rate=flips / steps,
        flip_rate_fp32=flips_fp32 / steps,
        within_tolerance=loss >= loss_fp32 - LOSS_TOLERANCE * abs(loss_fp32)
        and flips >= flips_fp32 - max(1, FLIP_TOLERANCE * steps),
    )
