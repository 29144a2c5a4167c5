"""Looking at an environment for the service, which cannot load it."""

from collections.abc import Callable

from saddlepoint.errors import UnknownEnvironment, UnsupportedEnvironment
from saddlepoint.schemas import keys
from saddlepoint.schemas.environments import EnvironmentDescription, EnvironmentSpec
from saddlepoint.schemas.findings import EnvironmentFinding
from saddlepoint.schemas.problems import problem_of
from saddlepoint.store import put_record
from worker.context import Context

Describe = Callable[[EnvironmentSpec], EnvironmentDescription]
"""`saddlepoint.envs.describe`. Raises UnknownEnvironment and UnsupportedEnvironment."""


def find_out(context: Context, describe: Describe, env: EnvironmentSpec) -> None:
    """Put the description of an environment, or the problem with it."""
    key = keys.environment(env.key())
    if context.store.exists(key):
        return
    try:
        finding = EnvironmentFinding(description=describe(env))
    except (UnknownEnvironment, UnsupportedEnvironment) as error:
        finding = EnvironmentFinding(problem=problem_of(error))
    put_record(context.store, key, finding)
