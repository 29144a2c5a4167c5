"""Looking at an environment for the service, which cannot load it."""

from collections.abc import Callable

from saddlepoint.errors import InvalidRequest
from saddlepoint.findings import put_description, put_problem
from saddlepoint.schemas import keys
from saddlepoint.schemas.environments import EnvironmentDescription, EnvironmentSpec
from worker.context import Context

Describe = Callable[[EnvironmentSpec], EnvironmentDescription]
"""`saddlepoint.envs.describe`. Raises UnknownEnvironment, UnsupportedEnvironment and InvalidSpec."""


def find_out(context: Context, describe: Describe, env: EnvironmentSpec) -> None:
    """Put the description of an environment, or the problem with it."""
    if context.store.exists(keys.environment(env.key())):
        return
    try:
        put_description(context.store, env, describe(env))
    except InvalidRequest as error:
        put_problem(context.store, env, error)
