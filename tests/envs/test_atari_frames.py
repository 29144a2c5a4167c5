"""Frames of the evaluation against those of Gymnasium's own preprocessing, bit for bit."""

from typing import Any

import ale_py
import gymnasium
import numpy as np
import pytest
from ale_py import LoggerMode
from gymnasium.wrappers import AtariPreprocessing, FrameStackObservation
from numpy.typing import NDArray

from saddlepoint.envs.atari import make_atari_vector
from saddlepoint.envs.atari_lanes import AtariLanes
from saddlepoint.errors import UnknownEnvironment
from saddlepoint.schemas.environments import EnvironmentSpec, describe_atari
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


def as_described(stack: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Grey frames as they are; the colours of all frames after one another, as SB3's VecFrameStack has them."""
    return stack if stack.ndim == 3 else np.concatenate(list(stack), axis=-1)


@pytest.mark.parametrize(
    ("env", "steps"),
    [
        (EnvironmentSpec(id="BoxingNoFrameskip-v4"), 300),
        (EnvironmentSpec(id="SpaceInvadersNoFrameskip-v4"), 300),
        (EnvironmentSpec(id="ALE/Pong-v5"), 300),
        (EnvironmentSpec(id="FreewayNoFrameskip-v4", full_action_space=True), 40),
        (EnvironmentSpec(id="ALE/MsPacman-v5", grayscale=False, frame_size=(50, 96), frame_stack=2), 40),
        (EnvironmentSpec(id="ALE/Breakout-v5", frameskip=1, sticky=0.5), 40),
        (EnvironmentSpec(id="ALE/Pong-v5", frame_size=(64, 64)), 40),
        (EnvironmentSpec(id="ALE/Pong-v5", frame_size=(210, 160), grayscale=False, frame_stack=1), 40),
        (EnvironmentSpec(id="BoxingNoFrameskip-v4", frame_size=(36, 100), frame_stack=1), 40),
        (EnvironmentSpec(id="BoxingNoFrameskip-v4", frame_stack=16, frameskip=7), 40),
        (EnvironmentSpec(id="BoxingNoFrameskip-v4", grayscale=False), 40),
        (EnvironmentSpec(id="BoxingNoFrameskip-v4", frameskip=2, full_action_space=True), 40),
        (EnvironmentSpec(id="BoxingNoFrameskip-v4", sticky=0.25), 40),
        (EnvironmentSpec(id="ALE/Boxing-v5", sticky=0), 40),
        (EnvironmentSpec(id="ALE/Boxing-v5", sticky=1), 40),
    ],
    ids=lambda value: value.model_dump_json(exclude_defaults=True) if isinstance(value, EnvironmentSpec) else "steps",
)
def test_frames_and_rewards_equal_gymnasiums_preprocessing(env: EnvironmentSpec, steps: int) -> None:
    reference, lanes = gymnasiums_own(env), AtariLanes(env, 1, noop_max=0)
    expected, _ = reference.reset()
    lanes.reset([0], [SEED])
    assert (as_described(expected) == lanes.observations[0]).all()
    for number in range(steps):
        chosen = action(SEED, number, lanes.description.action.n)
        expected, reward, *_ = reference.step(chosen)
        step = lanes.step(np.array([chosen]))
        assert (number, float(reward)) == (number, step.rewards[0])
        assert (as_described(expected) == lanes.observations[0]).all()


def watched(actions: list[int], **options: Any) -> NDArray[np.uint8]:
    """All observations of one game of Pong, (1 + steps, *obs)."""
    lanes = AtariLanes(EnvironmentSpec(id="PongNoFrameskip-v4", **options), 1, noop_max=0)
    lanes.reset([0], [SEED])
    shown = [lanes.observations[0].copy()]
    for chosen in actions:
        lanes.step(np.array([chosen]))
        shown.append(lanes.observations[0].copy())
    return np.array(shown)


UP, DOWN = 2, 3


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ({"frame_size": (64, 64)}, (4, 64, 64)),
        ({"frame_size": (36, 210)}, (4, 36, 210)),
        ({"frame_stack": 1}, (1, 84, 84)),
        ({"grayscale": False}, (84, 84, 12)),
        ({"grayscale": False, "frame_stack": 1, "frame_size": (50, 60)}, (50, 60, 3)),
    ],
)
def test_frames_have_the_form_that_is_described(options: dict[str, Any], shape: tuple[int, ...]) -> None:
    assert shape == describe_atari(EnvironmentSpec(id="PongNoFrameskip-v4", **options)).observation.shape
    assert shape == watched([], **options).shape[1:]


def test_a_stack_holds_the_last_frames_and_the_newest_is_last() -> None:
    actions = [UP, UP, DOWN, UP, DOWN, DOWN]
    single, stacked = watched(actions, frame_stack=1)[:, 0], watched(actions, frame_stack=3)
    assert (stacked[2:] == np.stack([single[:-2], single[1:-1], single[2:]], axis=1)).all()
    assert not stacked[0, :2].any()


def test_colours_differ_and_grey_is_their_luminance() -> None:
    colour, grey = watched([UP] * 5, grayscale=False)[-1], watched([UP] * 5)[-1]
    assert (colour[..., 0] != colour[..., 2]).any()
    # The palette's own grey levels, resized apart from the colours: rounding differs by little.
    assert np.abs(colour[..., -3:] @ [0.299, 0.587, 0.114] - grey[-1]).max() <= 3


def test_a_skip_of_two_shows_the_maximum_of_each_pair_of_frames() -> None:
    one, two = watched([UP] * 20, frameskip=1, frame_stack=1), watched([UP] * 10, frameskip=2, frame_stack=1)
    # The maximum is taken before the resize, so at the edges of what moves they differ.
    assert (np.maximum(one[1::2], one[2::2]) == two[1:]).mean() > 0.99
    assert (one[1:11] != two[1:]).any()


def test_an_action_that_always_sticks_is_never_taken() -> None:
    assert (watched([UP] * 20, sticky=1) == watched([DOWN] * 20, sticky=1)).all()
    assert (watched([UP] * 20, sticky=0) != watched([DOWN] * 20, sticky=0)).any()
    assert (watched([UP, DOWN] * 10, sticky=0.25) != watched([UP, DOWN] * 10, sticky=0)).any()


def test_the_full_action_space_numbers_its_own_actions() -> None:
    """UP and DOWN of Pong are RIGHT and LEFT, the fourth and fifth of all eighteen."""
    assert (watched([UP] * 20) == watched([3] * 20, full_action_space=True)).all()
    assert (watched([DOWN] * 20) == watched([4] * 20, full_action_space=True)).all()


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
