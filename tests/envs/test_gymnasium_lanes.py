"""Lanes of Gymnasium environments."""

import contextlib
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

from saddlepoint.envs.gymnasium_lanes import GymnasiumLanes
from saddlepoint.errors import ActionMismatch
from saddlepoint.schemas.environments import EnvironmentSpec
from tests.envs.conftest import needs_box2d
from tests.envs.playing import action, numbers, play

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


def test_an_episode_where_a_reset_may_leave_something_has_an_instance_of_its_own(counter: str) -> None:
    env = lanes(counter, 2, keeps_last_action=True)
    env.reset([0, 1], [11, 12])
    env.step(np.array([3, 3]))
    env.reset([1], [13])
    assert env.observations.tolist() == [[11, 1, 3], [13, 0, 0]]


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("shape", [(2,), (1, 2), (2, 1)])
def test_numbers_are_clipped_to_the_bounds_and_take_the_spaces_form(
    echo: str, shape: tuple[int, ...], dtype: str
) -> None:
    env = lanes(echo, 2, shape=shape, dtype=dtype, low=-0.5)
    env.reset([0, 1], [1, 2])
    step = env.step(np.array([[0.25, 7.0], [-np.inf, -0.75]], dtype=np.float32))
    assert env.observations.tolist() == [[0.25, 1.0], [-0.5, -0.5]]
    assert step.rewards.tolist() == [1.25, -1.0]


def test_bounds_may_differ_and_be_missing(echo: str) -> None:
    env = lanes(echo, 1, shape=(3,), low=[-1, -np.inf, -3], high=[2, np.inf, np.inf])
    env.reset([0], [1])
    env.step(np.array([[5, -1e30, 1e30]], dtype=np.float32))
    assert np.array([[2, -1e30, 1e30]], dtype=np.float32).astype(np.float64).tolist() == env.observations.tolist()


def test_actions_are_not_written_to(echo: str) -> None:
    env, actions = lanes(echo, 1), np.array([[5, -5]], dtype=np.float32)
    env.reset([0], [1])
    env.step(actions)
    assert actions.tolist() == [[5, -5]]


@pytest.mark.parametrize("high", [1.0, np.inf])
def test_what_is_no_number_is_refused_where_it_is_played(echo: str, high: float) -> None:
    env, worst = lanes(echo, 2, high=high), np.inf if np.isinf(high) else np.nan
    env.reset([0], [1])
    env.step(np.array([[0, 0], [np.nan, np.inf]], dtype=np.float32))
    with pytest.raises(ActionMismatch, match="finite"):
        env.step(np.array([[0, worst], [0, 0]], dtype=np.float32))


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


PLAYED = [
    *("CartPole-v1", "Acrobot-v1", "MountainCar-v0", "Pendulum-v1"),
    *("Hopper-v5", "HalfCheetah-v4", "Walker2d-v5", "Ant-v5"),
    *(pytest.param(env_id, marks=needs_box2d) for env_id in ("LunarLanderContinuous-v3", "BipedalWalker-v3")),
]


@pytest.mark.parametrize("env_id", PLAYED)
def test_an_episode_is_a_function_of_its_seed_and_actions(env_id: str) -> None:
    alone = {seed: play(lanes(env_id, 1, 60), [seed])[seed] for seed in SEEDS}
    assert alone == play(lanes(env_id, 1, 60), SEEDS)
    assert alone == play(lanes(env_id, 5, 60), SEEDS[::-1], pause=lambda lane: 3 * lane)
    assert len(SEEDS) == len({trace.frames for trace in alone.values()})


def test_returns_of_a_robot_equal_those_of_a_plain_loop() -> None:
    env, plain = gymnasium.make("Hopper-v5"), {}
    for seed in SEEDS:
        env.reset(seed=seed)
        score, steps, over = 0.0, 0, False
        while not over:
            _, reward, terminated, truncated, _ = env.step(np.clip(numbers(seed, steps, 3), -1, 1))
            score, steps, over = score + float(reward), steps + 1, terminated or truncated
        plain[seed] = (score, steps)
    played = play(lanes("Hopper-v5", 5), SEEDS)
    assert plain == {seed: (trace.score, trace.length) for seed, trace in played.items()}


def test_mujoco_warns_in_the_log_and_leaves_no_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    with contextlib.chdir(tmp_path):
        lanes("HalfCheetah-v5", 1)
    assert "settotalmass" in caplog.text
    assert list(tmp_path.iterdir()) == []


def test_closing_twice_is_fine(counter: str) -> None:
    env = lanes(counter, 2)
    env.close()
    env.close()
