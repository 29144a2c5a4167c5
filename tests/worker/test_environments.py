"""Looking at environments for the service."""

import pytest

from saddlepoint.errors import SaddlepointError, UnknownEnvironment, UnsupportedEnvironment
from saddlepoint.schemas import keys
from saddlepoint.schemas.environments import EnvironmentDescription, EnvironmentSpec, describe_atari
from saddlepoint.schemas.findings import EnvironmentFinding
from saddlepoint.schemas.problems import problem_of
from saddlepoint.store import get_record
from worker.context import Context
from worker.environments import find_out

BOXING = EnvironmentSpec(id="BoxingNoFrameskip-v4")


def finding(context: Context) -> EnvironmentFinding:
    return get_record(context.store, keys.environment(BOXING.key()), EnvironmentFinding)


def test_a_description_is_kept(context: Context) -> None:
    find_out(context, describe_atari, BOXING)
    assert finding(context) == EnvironmentFinding(description=describe_atari(BOXING))


@pytest.mark.parametrize("error", [UnknownEnvironment("No such game."), UnsupportedEnvironment("No box.")])
def test_a_problem_is_kept(context: Context, error: SaddlepointError) -> None:
    def fail(env: EnvironmentSpec) -> EnvironmentDescription:
        raise error

    find_out(context, fail, BOXING)
    assert finding(context) == EnvironmentFinding(problem=problem_of(error))


def test_what_is_known_is_not_looked_at_again(context: Context) -> None:
    def fail(env: EnvironmentSpec) -> EnvironmentDescription:
        raise AssertionError

    find_out(context, describe_atari, BOXING)
    find_out(context, fail, BOXING)
