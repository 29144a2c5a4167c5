"""Other ways in which a policy may have meant its observations."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from saddlepoint.schemas.environments import BoxSpace, EnvironmentDescription
from saddlepoint.schemas.policies import PolicyCard

Transform = Callable[[Tensor], Tensor]
"""(N, *obs) in the environment's units -> what is given to the policy as it is read now."""
_WHITE = 255.0
_CLIP = 10.0
_TINY = 1e-4
_DIVIDED = "divided by 255"


@dataclass(frozen=True)
class Reading:
    """A way to read a policy: named for a user, and what to do if it is the right one."""

    what: str
    remedy: str
    transform: Transform


def readings(environment: EnvironmentDescription, card: PolicyCard, seen: NDArray[np.float32]) -> list[Reading]:
    """The ways that are possible here. `seen` (M, *obs) are observations to normalise others by, empty for pictures."""
    space = environment.observation
    scales = _scales(card) if (space.low, space.high) == (0.0, _WHITE) else ()
    return [*scales, *_pictures(environment, space), *_normalised(card, seen)]


def _scales(card: PolicyCard) -> Iterator[Reading]:
    hints = card.hints
    if hints.pixel_scale not in (None, 1.0) or any(_DIVIDED in guess for guess in card.guesses):
        if hints.pixel_scale in (None, _WHITE):
            yield Reading("pixel_scale 1 (pixels 0 to 255)", "set it in the card", lambda x: x * _WHITE)
        return
    yield Reading("pixel_scale 255 (pixels 0 to 1)", "set it in the card", lambda x: x / _WHITE)
    if hints.observation_mean is None and hints.observation_std is None:
        half = _WHITE / 2
        yield Reading(
            f"observation_mean [{half}] and observation_std [{half}] (pixels -1 to 1)",
            "set them in the card",
            lambda x: (x - half) / half,
        )


def _pictures(environment: EnvironmentDescription, space: BoxSpace) -> Iterator[Reading]:
    env = environment.env
    if not (env.is_atari and env.grayscale):
        return
    if space.shape[-1] == space.shape[-2]:
        yield Reading(
            "rows and columns of every frame swapped",
            "transpose the observation where the model is exported",
            lambda x: x.transpose(-1, -2).contiguous(),
        )
    if env.frame_stack > 1:
        yield Reading(
            "the newest frame first in the stack",
            "reverse the stack where the model is exported",
            lambda x: x.flip(1),
        )


def _normalised(card: PolicyCard, seen: NDArray[np.float32]) -> Iterator[Reading]:
    if len(seen) < 2 or card.hints.observation_mean is not None or card.hints.observation_std is not None:
        return
    mean, std = torch.from_numpy(seen.mean(axis=0)), torch.from_numpy(seen.std(axis=0)).clamp_min(_TINY)
    yield Reading(
        "observations normalised by the mean and deviation of a random policy's",
        "give observation_mean and observation_std of its training in the card (of SB3's VecNormalize: --vecnormalize)",
        lambda x: ((x - mean) / std).clamp(-_CLIP, _CLIP),
    )
