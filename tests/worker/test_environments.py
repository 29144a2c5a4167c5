"""Looking at environments for the service."""

import pytest

from saddlepoint.errors import InvalidSpec, SaddlepointError, UnknownEnvironment, UnsupportedEnvironment
from saddlepoint.findings import find_environment
from saddlepoint.schemas.environments import EnvironmentDescription, EnvironmentSpec, describe_atari
from worker.context import Context
from worker.environments import find_out

BOXING = EnvironmentSpec(id="BoxingNoFrameskip-v4")


def test_a_description_is_kept(context: Context) -> None:
    find_out(context, describe_atari, BOXING)
    assert find_environment(context.store, BOXING) == describe_atari(BOXING)


@pytest.mark.parametrize(
    "error", [UnknownEnvironment("No such game."), UnsupportedEnvironment("No box."), InvalidSpec("No such kwargs.")]
)
def test_a_problem_is_kept(context: Context, error: SaddlepointError) -> None:
    def fail(env: EnvironmentSpec) -> EnvironmentDescription:
        raise error

    find_out(context, fail, BOXING)
    with pytest.raises(type(error), match=error.message):
        find_environment(context.store, BOXING)


@pytest.mark.parametrize("name", ["Pong", "Pong-v5", "pong-v0", "ALE/Pong-v4", "PongDeterministic-v4", "Pong-ram-v0"])
def test_another_spelling_of_an_atari_game_is_answered_with_ours(context: Context, name: str) -> None:
    def fail(env: EnvironmentSpec) -> EnvironmentDescription:
        raise UnknownEnvironment("Gymnasium registers none such.")

    find_out(context, fail, EnvironmentSpec(id=name))
    with pytest.raises(UnknownEnvironment, match=r"did you mean ALE/Pong-v5 .* or PongNoFrameskip-v4"):
        find_environment(context.store, EnvironmentSpec(id=name))


def test_a_misspelt_atari_game_is_answered_with_the_closest() -> None:
    with pytest.raises(UnknownEnvironment, match="did you mean 'Pong';"):
        EnvironmentSpec(id="PonggNoFrameskip-v4")


def test_what_is_known_is_not_looked_at_again(context: Context) -> None:
    def fail(env: EnvironmentSpec) -> EnvironmentDescription:
        raise AssertionError

    find_out(context, describe_atari, BOXING)
    find_out(context, fail, BOXING)
