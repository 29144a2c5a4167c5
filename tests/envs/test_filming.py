"""Games as a person would see them."""

from contextlib import closing
from itertools import pairwise

import numpy as np
import pytest

from saddlepoint.envs.action_names import action_names
from saddlepoint.envs.filming import film
from saddlepoint.envs.lanes import make_lanes
from saddlepoint.errors import UnsupportedEnvironment
from saddlepoint.schemas.atari_games import ATARI_GAMES
from saddlepoint.schemas.environments import EnvironmentSpec
from tests.envs.playing import action

SEED = 77


@pytest.mark.parametrize(("env_id", "actions"), [("ALE/Boxing-v5", 18), ("CartPole-v1", 2)])
def test_what_is_filmed_is_the_game_that_was_played(env_id: str, actions: int) -> None:
    env = EnvironmentSpec(id=env_id)
    with closing(make_lanes(env, 1)) as lanes:
        lanes.reset([0], [SEED])
        chosen, rewards = [], []
        for step in range(120):
            chosen.append(action(SEED, step, actions))
            after = lanes.step(np.array(chosen[-1:]))
            rewards.append(float(after.rewards[0]))
            if after.terminated[0]:
                break
    scenes = list(film(env, SEED, np.array(chosen)))
    assert [scene.reward for scene in scenes] == [*rewards, 0.0]
    assert {scene.picture.shape for scene in scenes} == {(210, 160, 3) if env.is_atari else (400, 600, 3)}
    assert any((one.picture != other.picture).any() for one, other in pairwise(scenes))


def test_pictures_are_copies_that_later_steps_leave_alone() -> None:
    scenes = list(film(EnvironmentSpec(id="BoxingNoFrameskip-v4"), SEED, np.zeros(30, np.int64)))
    again = list(film(EnvironmentSpec(id="BoxingNoFrameskip-v4"), SEED, np.zeros(3, np.int64)))
    for first, second in zip(scenes, again, strict=False):
        assert np.array_equal(first.picture, second.picture)


def test_an_environment_that_draws_nothing_says_so(counter: str) -> None:
    with pytest.raises(UnsupportedEnvironment, match="draws no pictures"):
        next(film(EnvironmentSpec(id=counter), SEED, np.zeros(1, np.int64)))


def test_actions_of_atari_have_their_names_in_the_games_order() -> None:
    assert action_names(EnvironmentSpec(id="PongNoFrameskip-v4")) == (
        "noop",
        "fire",
        "right",
        "left",
        "right + fire",
        "left + fire",
    )
    assert action_names(EnvironmentSpec(id="PongNoFrameskip-v4", full_action_space=True))[10] == "up + fire"
    assert action_names(EnvironmentSpec(id="CartPole-v1")) == ()


def test_as_many_names_as_the_table_has_actions() -> None:
    for game in ("Boxing", "Breakout", "Freeway"):
        assert len(action_names(EnvironmentSpec(id=f"ALE/{game}-v5"))) == ATARI_GAMES[game].actions
