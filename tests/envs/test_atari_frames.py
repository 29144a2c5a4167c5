"""Frames of the evaluation against those of Gymnasium's own preprocessing, bit for bit."""

from typing import Any

import ale_py
import gymnasium
import numpy as np
import pytest
from ale_py import LoggerMode
from gymnasium.wrappers import AtariPreprocessing, FrameStackObservation

from saddlepoint.envs.atari import make_atari_vector
from saddlepoint.envs.atari_lanes import AtariLanes
from saddlepoint.errors import UnknownEnvironment
from saddlepoint.schemas.environments import EnvironmentSpec
from tests.envs.playing import action

SEED = 77


class _FireOnReset(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Holds FIRE for one frame after a reset where the game has it, as ale-py's vector environment does."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        result = self.env.reset(seed=seed, options=options)
        meanings = self.env.unwrapped.get_action_meanings()  # type: ignore[attr-defined]
        if "FIRE" in meanings:
            self.env.step(meanings.index("FIRE"))
        return result


def gymnasiums_own(env: EnvironmentSpec) -> gymnasium.Env[Any, Any]:
    """The reference. Its own seeds are hashes, so the emulator is given ours; it stacks onto black frames."""
    ale_py.ALEInterface.setLoggerMode(LoggerMode.Error)
    gymnasium.register_envs(ale_py)
    raw = gymnasium.make(
        f"ALE/{env.game}-v5",
        frameskip=1,
        repeat_action_probability=env.repeat_action_probability,
        full_action_space=env.full_action_space,
    )
    raw.unwrapped.ale.setInt("random_seed", SEED)  # type: ignore[attr-defined]
    raw.unwrapped.load_game()  # type: ignore[attr-defined]
    height, width = env.frame_size
    frames = AtariPreprocessing(
        _FireOnReset(raw),
        noop_max=0,
        frame_skip=env.frameskip,
        screen_size=(width, height),
        grayscale_obs=env.grayscale,
    )
    return FrameStackObservation(frames, env.frame_stack, padding_type="zero")


@pytest.mark.parametrize(
    ("env", "steps"),
    [
        (EnvironmentSpec(id="BoxingNoFrameskip-v4"), 300),
        (EnvironmentSpec(id="SpaceInvadersNoFrameskip-v4"), 300),
        (EnvironmentSpec(id="ALE/Pong-v5"), 300),
        (EnvironmentSpec(id="FreewayNoFrameskip-v4", full_action_space=True), 40),
        (EnvironmentSpec(id="ALE/MsPacman-v5", grayscale=False, frame_size=(50, 96), frame_stack=2), 40),
        (EnvironmentSpec(id="ALE/Breakout-v5", frameskip=1, sticky=0.5), 40),
    ],
    ids=lambda value: value.id if isinstance(value, EnvironmentSpec) else None,
)
def test_frames_and_rewards_equal_gymnasiums_preprocessing(env: EnvironmentSpec, steps: int) -> None:
    reference, lanes = gymnasiums_own(env), AtariLanes(env, 1, noop_max=0)
    expected, _ = reference.reset()
    lanes.reset([0], [SEED])
    assert (expected == lanes.observations[0]).all()
    for number in range(steps):
        chosen = action(SEED, number, lanes.description.action.n)
        expected, reward, *_ = reference.step(chosen)
        step = lanes.step(np.array([chosen]))
        assert (number, float(reward)) == (number, step.rewards[0])
        assert (expected == lanes.observations[0]).all()


def test_no_op_starts_vary_with_the_seed() -> None:
    vector = make_atari_vector(EnvironmentSpec(id="FreewayNoFrameskip-v4"), 8, training=False)
    _, info = vector.reset(seed=1)
    assert max(info["frame_number"]) <= 30
    assert len(set(info["frame_number"].tolist())) > 2


def test_the_emulator_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    AtariLanes(EnvironmentSpec(id="BoxingNoFrameskip-v4"), 1).reset([0], [1])
    assert tuple(capfd.readouterr()) == ("", "")


def test_only_atari_ids_are_taken() -> None:
    with pytest.raises(UnknownEnvironment, match="CartPole-v1"):
        make_atari_vector(EnvironmentSpec(id="CartPole-v1"), 1, training=False)
