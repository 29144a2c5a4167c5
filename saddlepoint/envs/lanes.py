"""Lanes for any environment an evaluation may name."""

from saddlepoint.envs.atari_lanes import AtariLanes
from saddlepoint.envs.gymnasium_lanes import GymnasiumLanes
from saddlepoint.envs.interface import Actions, LaneEnvironment, LaneStep
from saddlepoint.schemas.environments import EnvironmentSpec

__all__ = ["Actions", "LaneEnvironment", "LaneStep", "make_lanes"]


def make_lanes(
    env: EnvironmentSpec, lanes: int, *, max_episode_steps: int | None = None, threads: int = 1
) -> LaneEnvironment:
    """`lanes` idle lanes of an environment; `max_episode_steps` in agent steps cuts its episodes.

    `threads` step Atari emulators side by side and change no result; Gymnasium's own environments
    are stepped in the calling thread. Raises UnknownEnvironment, UnsupportedEnvironment and, for
    `kwargs` that the environment does not take, InvalidSpec.
    """
    if env.is_atari:
        return AtariLanes(env, lanes, max_episode_steps=max_episode_steps, threads=threads)
    return GymnasiumLanes(env, lanes, max_episode_steps=max_episode_steps)
