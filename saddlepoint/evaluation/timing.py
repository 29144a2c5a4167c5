"""When the attacker acts: the rules of a batch of lanes, each with its own."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from saddlepoint.envs.seeding import Purpose, stream
from saddlepoint.evaluation.lanes import Episode
from saddlepoint.schemas.attacks import Every, Fraction, PreferenceGap, ValueAbove, WhenRule

Clean = Callable[[], tuple[Tensor | None, Tensor | None]]
"""The policy's values (N,) and the gaps (N,) of its probabilities at the clean observations; None if it has none."""


def acts_now(rules: Sequence[WhenRule], episodes: Sequence[Episode | None], clean: Clean) -> NDArray[np.bool_]:
    """Which lanes are attacked at this step. `clean` is asked only by rules that need it."""
    values, gaps = clean() if any(isinstance(rule, ValueAbove | PreferenceGap) for rule in rules) else (None, None)
    lanes = enumerate(zip(rules, episodes, strict=True))
    return np.array([episode is None or _acts(rule, episode, at, values, gaps) for at, (rule, episode) in lanes])


def _acts(rule: WhenRule, episode: Episode, lane: int, values: Tensor | None, gaps: Tensor | None) -> bool:
    if isinstance(rule, Fraction):
        chance = stream(episode.entry.seed, episode.entry.episode, episode.length, Purpose.ATTACK_CHOICE).random()
        return bool(chance < rule.fraction)
    if isinstance(rule, Every):
        return episode.length % rule.every == 0
    if isinstance(rule, ValueAbove):
        return values is not None and float(values[lane]) > rule.threshold
    if isinstance(rule, PreferenceGap):
        return gaps is not None and float(gaps[lane]) > rule.threshold
    return True
