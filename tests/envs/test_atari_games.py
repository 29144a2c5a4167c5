"""The checked-in table of games against ale-py."""

import ale_py
import gymnasium
import pytest
from gymnasium.spaces import Discrete

from saddlepoint.envs.atari import make_atari_vector
from saddlepoint.envs.atari_lanes import AtariLanes
from saddlepoint.schemas.atari_games import ATARI_GAMES
from saddlepoint.schemas.environments import EnvironmentSpec
from tests.envs.playing import play


def test_the_games_are_those_that_ale_py_registers() -> None:
    gymnasium.register_envs(ale_py)
    registered = {
        entry.name: entry.kwargs["game"]
        for entry in gymnasium.registry.values()
        if entry.namespace == "ALE" and entry.version == 5 and not entry.name.endswith("-ram")
    }
    assert registered == {name: game.rom for name, game in ATARI_GAMES.items()}
    assert len(registered) == 104


def test_the_protocols_stickiness_is_ale_pys() -> None:
    gymnasium.register_envs(ale_py)
    for env_id in ("PongNoFrameskip-v4", "ALE/Pong-v5"):
        theirs = gymnasium.registry[env_id].kwargs["repeat_action_probability"]
        assert theirs == EnvironmentSpec(id=env_id).repeat_action_probability


@pytest.mark.slow
@pytest.mark.parametrize("game", ATARI_GAMES)
def test_every_game_has_the_actions_of_the_table_and_plays_repeatably(game: str) -> None:
    env = EnvironmentSpec(id=f"ALE/{game}-v5")
    space = make_atari_vector(env, 1, training=False).single_action_space
    assert Discrete(ATARI_GAMES[game].actions) == space
    lanes = AtariLanes(env, 2, max_episode_steps=30)
    assert play(lanes, [5, 6]) == play(lanes, [6, 5], pause=lambda lane: 5)
