"""Lanes of Gymnasium environments."""

from typing import Any

import gymnasium
import numpy as np
import pytest

from saddlepoint.envs.gymnasium_lanes import GymnasiumLanes
from saddlepoint.schemas.environments import EnvironmentSpec
from tests.envs.playing import action, play

SEEDS = list(range(100, 112))


def lanes(env_id: str, count: int, limit: int | None = None, **kwargs: Any) -> GymnasiumLanes:
    return GymnasiumLanes(EnvironmentSpec(id=env_id, kwargs=kwargs), count, max_episode_steps=limit)


def test_a_step_shows_the_new_state_and_pays_its_reward(counter: str) -> None:
    env = lanes(counter, 2)
    env.reset([0, 1], [11, 12])
    assert env.observations.tolist() == [[11, 0, 0], [12, 0, 0]]
    step = env.step(np.array([1, 3]))
    assert env.observations.tolist() == [[11, 1, 1], [12, 1, 3]]
    assert step.rewards.tolist() == [1.0, 3.0]
    assert not step.terminated.any()


def test_a_reset_leaves_the_other_lanes_alone(counter: str) -> None:
    env = lanes(counter, 2)
    env.reset([0, 1], [11, 12])
    env.step(np.array([1, 1]))
    env.reset([1], [13])
    assert env.observations.tolist() == [[11, 1, 1], [13, 0, 0]]


def test_an_episode_ends_once_and_its_lane_is_then_idle(counter: str) -> None:
    env = lanes(counter, 2, length=1)
    env.reset([1], [12])
    assert env.step(np.array([1, 1])).terminated.tolist() == [False, True]
    step = env.step(np.array([1, 1]))
    assert step.rewards.tolist() == [0.0, 0.0]
    assert step.terminated.tolist() == [False, False]
    assert env.observations.tolist() == [[0, 0, 0], [0, 0, 0]]


def test_actions_are_numbered_from_zero(counter: str) -> None:
    env = lanes(counter, 1, start=5)
    env.reset([0], [1])
    assert env.step(np.array([2])).rewards.tolist() == [7.0]


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8", "int16"])
def test_observations_keep_their_dtype(counter: str, dtype: str) -> None:
    env = lanes(counter, 1, dtype=dtype)
    env.reset([0], [200])
    assert np.dtype(dtype) == env.observations.dtype
    assert env.observations.tolist() == [[200, 0, 0]]


@pytest.mark.parametrize(("limit", "length"), [(None, 10), (4, 4), (50, 10)])
def test_the_registered_limit_and_the_given_one_cut(counter: str, limit: int | None, length: int) -> None:
    trace = play(lanes(counter, 1, limit, length=1000), [1])[1]
    assert (length, False, True) == (trace.length, trace.terminated, trace.truncated)


@pytest.mark.parametrize("env_id", ["CartPole-v1", "Acrobot-v1"])
def test_returns_equal_those_of_a_plain_loop(env_id: str) -> None:
    env = gymnasium.make(env_id)
    plain = {}
    for seed in SEEDS:
        env.reset(seed=seed)
        score, steps, over = 0.0, 0, False
        while not over:
            chosen = action(seed, steps, env.action_space.n)  # type: ignore[attr-defined]
            _, reward, terminated, truncated, _ = env.step(chosen)
            score, steps, over = score + float(reward), steps + 1, terminated or truncated
        plain[seed] = (score, steps)
    played = play(lanes(env_id, 5), SEEDS)
    assert plain == {seed: (trace.score, trace.length) for seed, trace in played.items()}


@pytest.mark.parametrize("env_id", ["CartPole-v1", "Acrobot-v1", "MountainCar-v0"])
def test_an_episode_is_a_function_of_its_seed_and_actions(env_id: str) -> None:
    alone = {seed: play(lanes(env_id, 1, 60), [seed])[seed] for seed in SEEDS}
    assert alone == play(lanes(env_id, 1, 60), SEEDS)
    assert alone == play(lanes(env_id, 5, 60), SEEDS[::-1], pause=lambda lane: 3 * lane)
    assert len(SEEDS) == len({trace.frames for trace in alone.values()})


def test_closing_twice_is_fine(counter: str) -> None:
    env = lanes(counter, 2)
    env.close()
    env.close()
