"""How strong an attack was, from the states that were attacked otherwise as well."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from saddlepoint.schemas.attacks import ResolvedAttack
from saddlepoint.schemas.plans import EpisodeResult

_GAIN_LIMIT = 0.1
_NOISE_LIMIT = 0.1
_FEWEST = 8
"""Probed states; fewer say too little for a flag."""


@dataclass(frozen=True)
class Strength:
    """The fields of `AttackHealth`, and what a reader must be told."""

    numbers: dict[str, Any] = field(default_factory=dict)
    flags: list[str] = field(default_factory=list)
    masked: bool = False
    """Whether gradients look masked, so that a low loss says nothing."""


def strength_of(attack: ResolvedAttack, episodes: Sequence[EpisodeResult], *, has_flips: bool = True) -> Strength:
    """Over all probed steps of a cell; nothing where there are none. `has_flips`: an action is a choice of one."""
    steps = sum(episode.probe_steps for episode in episodes)
    if steps == 0:
        return Strength()
    clean, loss, longer, restarted = (
        sum(getattr(episode, name) for episode in episodes) / steps
        for name in ("probe_loss_clean_sum", "probe_loss_sum", "probe_loss_longer_sum", "probe_loss_restarted_sum")
    )
    numbers = {
        "probed_steps": steps,
        "gain_of_longer": _gain(longer, loss, clean),
        "gain_of_restart": _gain(restarted, loss, clean),
        "noise_wins": sum(episode.probe_noise_wins for episode in episodes) / steps,
        "flips_by_huge": sum(episode.probe_flips_huge for episode in episodes) / steps if has_flips else None,
    }
    noise_flips, flips = (
        sum(getattr(episode, name) for episode in episodes) for name in ("probe_flips_noise", "probe_flips")
    )
    if steps < _FEWEST:
        return Strength(numbers)
    gains = [] if attack.kind == "fgsm" else _gains(numbers)
    masked = _masked(numbers, noise_flips, flips)
    return Strength(numbers, [*gains, *masked], masked=bool(masked))


def _gain(better: float, loss: float, clean: float) -> float | None:
    return (better - loss) / (loss - clean) if loss > clean else None


def _gains(numbers: dict[str, Any]) -> list[str]:
    found = []
    if (numbers["gain_of_longer"] or 0) > _GAIN_LIMIT:
        found.append(
            f"Twice the steps would raise the loss by {numbers['gain_of_longer']:.0%} more: the attack had not come to "
            "its end. Evaluate with more steps."
        )
    if (numbers["gain_of_restart"] or 0) > _GAIN_LIMIT:
        found.append(
            f"One more start would raise the loss by {numbers['gain_of_restart']:.0%} more: where it starts matters. "
            "Evaluate with restarts."
        )
    return found


def _masked(numbers: dict[str, Any], noise_flips: int, flips: int) -> list[str]:
    if numbers["noise_wins"] <= _NOISE_LIMIT and noise_flips <= flips:
        return []
    return [
        f"On the same states uniform noise had the higher loss at {numbers['noise_wins']:.0%}: gradients look masked, "
        "and the policy may be weaker than this shows. Add the attack square."
    ]
