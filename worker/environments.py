"""Looking at an environment for the service, which cannot load it."""

from collections.abc import Callable

from saddlepoint.errors import InvalidRequest, UnknownEnvironment
from saddlepoint.findings import put_description, put_problem
from saddlepoint.schemas import keys
from saddlepoint.schemas.environments import EnvironmentDescription, EnvironmentSpec, atari_ids_like
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
        put_problem(context.store, env, _explained(error, env))


def _explained(error: InvalidRequest, env: EnvironmentSpec) -> InvalidRequest:
    """`error`, or what to write where an Atari game was meant: Gymnasium knows them by other names than we do."""
    meant = None if env.is_atari else atari_ids_like(env.id)
    if not isinstance(error, UnknownEnvironment) or meant is None:
        return error
    sticky, plain = meant
    return UnknownEnvironment(f"There is no environment {env.id!r}; did you mean {sticky} (sticky actions) or {plain}?")
