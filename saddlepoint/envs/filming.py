"""Games as a person would see them, for showing only: what policies are given is `LaneEnvironment.observations`."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from saddlepoint.envs.actions import converter
from saddlepoint.envs.atari_lanes import AtariLanes
from saddlepoint.envs.instances import make_instance
from saddlepoint.errors import UnsupportedEnvironment
from saddlepoint.schemas.environments import EnvironmentSpec

_SCREEN = (210, 160)
"""Of the Atari: rows and columns."""
_MODE = "rgb_array"


class Scene(NamedTuple):
    """What is to be seen before a step, (R, C, 3) uint8, and what the step then earns; 0 after the last one."""

    picture: NDArray[np.uint8]
    reward: float


def film(env: EnvironmentSpec, seed: int, actions: NDArray[Any]) -> Iterator[Scene]:
    """The episode of `seed` (`episode_seed`) and `actions` (T,) or (T, D): T + 1 scenes, in colour.

    The game is the one that was played: a function of seed and actions, whatever is looked at. Raises
    UnsupportedEnvironment where it draws nothing, and whatever it raises itself where it cannot here.
    """
    return _film_atari(env, seed, actions) if env.is_atari else _film_gymnasium(env, seed, actions)


def _film_atari(env: EnvironmentSpec, seed: int, actions: NDArray[Any]) -> Iterator[Scene]:
    whole = env.model_copy(update={"frame_size": _SCREEN, "frame_stack": 1, "grayscale": False})
    with closing(AtariLanes(whole, 1)) as lanes:
        lanes.reset([0], [seed])
        for action in actions:
            picture = lanes.observations[0].copy()
            yield Scene(picture, float(lanes.step(action[None]).rewards[0]))
        yield Scene(lanes.observations[0].copy(), 0.0)


def _film_gymnasium(env: EnvironmentSpec, seed: int, actions: NDArray[Any]) -> Iterator[Scene]:
    with closing(make_instance(env)) as undrawn:  # which takes no mode of drawing that it does not know
        if _MODE not in undrawn.metadata.get("render_modes", ()):
            raise UnsupportedEnvironment(f"{env.id} draws no pictures of itself; there is nothing to film.")
    with closing(make_instance(env, _MODE)) as instance:
        convert, playing = converter(instance.action_space), np.ones(1, dtype=np.bool_)
        instance.reset(seed=seed)
        for action in actions:
            picture = _drawn(instance)
            _, reward, _, _, _ = instance.step(convert(action[None], playing)[0])
            yield Scene(picture, float(reward))
        yield Scene(_drawn(instance), 0.0)


def _drawn(instance: Any) -> NDArray[np.uint8]:
    return np.ascontiguousarray(instance.render(), dtype=np.uint8)
