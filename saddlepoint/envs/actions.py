"""A policy's actions in the form that an environment takes them."""

from collections.abc import Callable
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete, Space
from numpy.typing import NDArray

from saddlepoint.envs.interface import Actions
from saddlepoint.errors import ActionMismatch

Converter = Callable[[Actions, NDArray[np.bool_]], NDArray[Any]]
"""From the actions of all lanes, and which of them play, to one row a lane for its environment."""


def converter(space: Space[Any]) -> Converter:
    """How actions reach a space that `describe_instance` has accepted.

    Choices are shifted to the space's own numbering. Numbers take the space's shape and dtype and are clipped to its
    bounds; what is not finite even then raises ActionMismatch, in lanes that play.
    """
    if isinstance(space, Discrete):
        start = space.start
        return lambda actions, playing: actions + start
    assert isinstance(space, Box)
    low, high, dtype = space.low, space.high, np.dtype(space.dtype)

    def clipped(actions: Actions, playing: NDArray[np.bool_]) -> NDArray[Any]:
        with np.errstate(over="ignore"):  # what float16 cannot hold is clipped or refused below
            given = actions.astype(dtype).reshape(-1, *low.shape)
        np.clip(given, low, high, out=given)
        if not np.isfinite(given[playing]).all():
            raise ActionMismatch(
                "Actions must be finite numbers; the policy gave NaN or infinity. "
                "Check its normalisation and log_std, or lower epsilon: numbers may overflow on what it never saw."
            )
        return given

    return clipped
