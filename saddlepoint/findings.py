"""What workers found out about environments, kept in the store.

A description stays. A problem may be gone once somebody installs a package where the workers run, so it is kept under
the minute in which it was found, and forgotten with the next but one.
"""

import time

from saddlepoint.errors import SaddlepointError
from saddlepoint.schemas import keys
from saddlepoint.schemas.environments import EnvironmentDescription, EnvironmentSpec
from saddlepoint.schemas.problems import Problem, error_of, problem_of
from saddlepoint.store import Store, find_record, put_record

_MINUTE_S = 60.0


def put_description(store: Store, env: EnvironmentSpec, description: EnvironmentDescription) -> None:
    """Keep it for good; the first one stays."""
    put_record(store, keys.environment(env.key()), description)


def put_problem(store: Store, env: EnvironmentSpec, error: SaddlepointError, *, now_s: float | None = None) -> None:
    """Keep it for a minute or two."""
    put_record(store, keys.environment_problem(env.key(), _minute(now_s)), problem_of(error))


def find_environment(
    store: Store, env: EnvironmentSpec, *, now_s: float | None = None
) -> EnvironmentDescription | None:
    """The description, None where no worker has looked lately. Raises the problem that one had."""
    description = find_record(store, keys.environment(env.key()), EnvironmentDescription)
    if description is not None:
        return description
    minute = _minute(now_s)
    for each in (minute, minute - 1):
        problem = find_record(store, keys.environment_problem(env.key(), each), Problem)
        if problem is not None:
            raise error_of(problem)
    return None


def _minute(now_s: float | None) -> int:
    return int((time.time() if now_s is None else now_s) / _MINUTE_S)
