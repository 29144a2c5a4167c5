"""The spaces of an environment, which a policy must fit."""

from saddlepoint.envs.instances import make_instance, registration
from saddlepoint.envs.spaces import describe_instance
from saddlepoint.schemas.environments import (
    EnvironmentDescription,
    EnvironmentSpec,
    describe_atari,
)


def describe(env: EnvironmentSpec) -> EnvironmentDescription:
    """The description of any environment: Atari from the checked-in table, others by making one.

    Raises UnknownEnvironment, UnsupportedEnvironment and InvalidSpec as `make_instance` does.
    """
    if env.is_atari:
        return describe_atari(env)
    instance = make_instance(env)
    try:
        return describe_instance(env, instance, registration(env).max_episode_steps)
    finally:
        instance.close()
