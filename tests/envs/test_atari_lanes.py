"""Lanes of Atari games: whole games, independent of each other."""

import numpy as np
import pytest

from saddlepoint.envs.atari_lanes import AtariLanes
from saddlepoint.schemas.environments import EnvironmentSpec
from tests.envs.playing import play

SEEDS = [5, 6, 7, 8]


@pytest.mark.parametrize(
    ("env_id", "limit"),
    [("BoxingNoFrameskip-v4", 100), ("ALE/Pong-v5", 100), ("ALE/Breakout-v5", None)],
)
def test_an_episode_is_a_function_of_its_seed_and_actions(env_id: str, limit: int | None) -> None:
    env = EnvironmentSpec(id=env_id)
    alone = {seed: play(AtariLanes(env, 1, max_episode_steps=limit), [seed])[seed] for seed in SEEDS}
    assert len(SEEDS) == len({trace.frames for trace in alone.values()})
    # The second wave plays in used lanes: some at once, some after the emulator has started a game of its own.
    assert alone == play(AtariLanes(env, 2, max_episode_steps=limit), SEEDS)
    crowd = AtariLanes(env, 5, max_episode_steps=limit, threads=2)
    assert alone == play(crowd, SEEDS[::-1], pause=lambda lane: 2 * lane)
    assert alone == play(crowd, SEEDS, pause=lambda lane: 3)


def test_a_game_is_played_to_its_last_life_for_its_raw_score() -> None:
    env = AtariLanes(EnvironmentSpec(id="BreakoutNoFrameskip-v4"), 1)
    traces = play(env, [11, 12]).values()
    assert all(trace.terminated and not trace.truncated for trace in traces)
    # Five lives of a random player; the first alone lasts about 30 steps.
    assert min(trace.length for trace in traces) > 90


def test_rewards_are_not_clipped() -> None:
    env = AtariLanes(EnvironmentSpec(id="SpaceInvadersNoFrameskip-v4"), 1, max_episode_steps=200)
    env.reset([0], [3])
    rewards = {env.step(np.array([1])).rewards[0] for _ in range(150)}
    assert max(rewards) >= 5.0


def test_after_its_end_a_lane_shows_and_earns_nothing() -> None:
    env = AtariLanes(EnvironmentSpec(id="BoxingNoFrameskip-v4"), 2, max_episode_steps=2)
    env.reset([0], [3])
    ended = [bool(env.step(np.array([1, 1])).truncated[0]) for _ in range(2)]
    assert ended == [False, True]
    assert env.observations[0].any()
    env.reset([1], [4])
    step = env.step(np.array([1, 1]))
    assert not (step.terminated | step.truncated).any()
    assert env.observations.any(axis=(1, 2, 3)).tolist() == [False, True]


def test_the_emulators_own_cap_is_a_truncation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("saddlepoint.envs.atari.ATARI_MAX_FRAMES", 38)
    trace = play(AtariLanes(EnvironmentSpec(id="BoxingNoFrameskip-v4"), 1), [1])[1]
    assert (trace.length, trace.terminated, trace.truncated) == (10, False, True)


def test_the_described_limit_is_the_emulators(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("saddlepoint.envs.atari", "saddlepoint.schemas.environments"):
        monkeypatch.setattr(f"{module}.ATARI_MAX_FRAMES", 38)
    env = AtariLanes(EnvironmentSpec(id="BoxingNoFrameskip-v4"), 1)
    assert env.description.max_episode_steps == play(env, [1])[1].length


def test_closing_twice_is_fine() -> None:
    env = AtariLanes(EnvironmentSpec(id="BoxingNoFrameskip-v4"), 1)
    env.close()
    env.close()
