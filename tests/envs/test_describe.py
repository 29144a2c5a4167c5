"""What is said of an environment, and what is refused."""

import sys
from collections.abc import Iterator
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Space, Tuple

from saddlepoint.envs.describe import describe
from saddlepoint.envs.lanes import make_lanes
from saddlepoint.errors import (
    InvalidSpec,
    SaddlepointError,
    UnknownEnvironment,
    UnsupportedEnvironment,
)
from saddlepoint.schemas.environments import (
    BoxSpace,
    ContinuousSpace,
    DiscreteSpace,
    EnvironmentSpec,
)
from tests.envs.conftest import needs_box2d

NUMBERS = Box(0, 1, (3,))
EXTRAS = ("Box2D", "mujoco", "jax")
NEED_EXTRAS = tuple(f"gymnasium.envs.{folder}" for folder in ("box2d", "mujoco", "phys2d", "tabular"))


@pytest.fixture
def without_extras(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Gymnasium as it is without any of its extras; what was loaded with them comes back at the end."""
    loaded = {name: module for name, module in sys.modules.items() if name.startswith(NEED_EXTRAS)}
    for name in loaded:
        del sys.modules[name]
    with monkeypatch.context() as patch:
        for name in EXTRAS:
            patch.setitem(sys.modules, name, None)
        yield
    for name in [name for name in sys.modules if name.startswith(NEED_EXTRAS)]:
        del sys.modules[name]
    sys.modules.update(loaded)


def test_an_unbounded_side_is_none() -> None:
    description = describe(EnvironmentSpec(id="CartPole-v1"))
    box = description.observation
    assert (box.shape, box.dtype) == ((4,), "float32")
    assert isinstance(box.high, list)
    assert [None if x is None else round(x, 4) for x in box.high] == [4.8, None, 0.4189, None]
    assert DiscreteSpace(n=2) == description.action
    assert description.max_episode_steps == 500


def test_a_bound_that_all_share_is_a_number(counter: str) -> None:
    description = describe(EnvironmentSpec(id=counter, kwargs={"start": 5}))
    assert BoxSpace(shape=(3,), dtype="float32", low=0.0, high=200.0) == description.observation
    assert DiscreteSpace(n=4, start=5) == description.action
    assert description.env.kwargs == {"start": 5}


@pytest.mark.parametrize(
    ("kwargs", "space"),
    [
        ({}, ContinuousSpace(n=2, shape=(2,), low=-1, high=1)),
        ({"shape": (2, 3), "low": -2}, ContinuousSpace(n=6, shape=(2, 3), low=-2, high=1)),
        ({"shape": ()}, ContinuousSpace(n=1, shape=(), low=-1, high=1)),
        ({"low": -np.inf}, ContinuousSpace(n=2, shape=(2,), low=None, high=1)),
        ({"high": [3, np.inf], "dtype": "float64"}, ContinuousSpace(n=2, shape=(2,), low=-1, high=[3, None])),
    ],
)
def test_actions_of_numbers_are_flat_and_have_bounds(echo: str, kwargs: dict[str, Any], space: ContinuousSpace) -> None:
    assert space == describe(EnvironmentSpec(id=echo, kwargs=kwargs)).action


@pytest.mark.parametrize(
    ("name", "observations", "actions", "steps"),
    [
        ("Pendulum-v1", 3, ContinuousSpace(n=1, shape=(1,), low=-2, high=2), 200),
        ("Hopper-v5", 11, ContinuousSpace(n=3, shape=(3,), low=-1, high=1), 1000),
        ("HalfCheetah-v5", 17, ContinuousSpace(n=6, shape=(6,), low=-1, high=1), 1000),
        ("Walker2d-v5", 17, ContinuousSpace(n=6, shape=(6,), low=-1, high=1), 1000),
        ("Ant-v5", 105, ContinuousSpace(n=8, shape=(8,), low=-1, high=1), 1000),
        ("Ant-v4", 27, ContinuousSpace(n=8, shape=(8,), low=-1, high=1), 1000),
        pytest.param("LunarLander-v3", 8, DiscreteSpace(n=4), 1000, marks=needs_box2d),
        pytest.param("BipedalWalker-v3", 24, ContinuousSpace(n=4, shape=(4,), low=-1, high=1), 1600, marks=needs_box2d),
    ],
)
def test_robots_are_described(
    name: str, observations: int, actions: DiscreteSpace | ContinuousSpace, steps: int
) -> None:
    description = describe(EnvironmentSpec(id=name))
    assert ((observations,), actions, steps) == (
        description.observation.shape,
        description.action,
        description.max_episode_steps,
    )


def test_atari_is_described_from_the_table() -> None:
    description = describe(EnvironmentSpec(id="ALE/Pong-v5", frame_size=(50, 60), frameskip=7))
    assert BoxSpace(shape=(4, 50, 60), dtype="uint8", low=0, high=255) == description.observation
    assert DiscreteSpace(n=6) == description.action
    # The step that reaches 108,000 frames is played: 15,428 steps of 7 are 4 frames short of it.
    assert description.max_episode_steps == 15_429


@pytest.mark.parametrize("name", ["CartPole-v7", "CartPole", "Nothing-v0", "Pong-v4", "ALE/Pong-ram-v5"])
def test_an_unknown_id_is_named(name: str) -> None:
    with pytest.raises(UnknownEnvironment, match=name):
        describe(EnvironmentSpec(id=name))


def test_a_near_miss_is_answered_with_the_right_id() -> None:
    with pytest.raises(UnknownEnvironment, match="Did you mean CartPole-v1"):
        describe(EnvironmentSpec(id="Cartpole-v1"))


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("HalfCheetah-v2", "take HalfCheetah-v5"),
        ("HalfCheetah-v3", "take HalfCheetah-v5"),
        ("phys2d/CartPole-v1", r"pip install 'gymnasium\[jax\]'"),
        ("GymV26Environment-v0", "registered under its own id"),
    ],
)
@pytest.mark.usefixtures("without_extras")
def test_an_environment_that_cannot_be_loaded_says_the_way_out(name: str, remedy: str) -> None:
    with pytest.raises(UnsupportedEnvironment, match=remedy):
        describe(EnvironmentSpec(id=name))


def test_an_environment_of_an_older_simulator_names_the_newer_one() -> None:
    with pytest.raises(UnsupportedEnvironment, match="older MuJoCo than this machine has; take Pusher-v5"):
        describe(EnvironmentSpec(id="Pusher-v4"))


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("LunarLander-v3", r"pip install 'saddlepoint\[box2d\]' .*swig and a C\+\+ compiler"),
        ("HalfCheetah-v5", r"pip install 'saddlepoint\[mujoco\]'"),
        ("HalfCheetah-v4", r"pip install 'saddlepoint\[mujoco\]'"),
    ],
)
def test_without_its_extra_an_environment_names_it(name: str, remedy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise gymnasium.error.DependencyNotInstalled

    monkeypatch.setattr("saddlepoint.envs.instances.find_spec", lambda name: None)
    monkeypatch.setattr("saddlepoint.envs.instances.gymnasium.make", fail)
    with pytest.raises(UnsupportedEnvironment, match=remedy):
        describe(EnvironmentSpec(id=name))


@pytest.mark.parametrize(("name", "said"), [("FrozenLake-v1", "has Discrete"), ("Blackjack-v1", "has Tuple")])
def test_spaces_that_cannot_be_attacked_are_refused(name: str, said: str) -> None:
    with pytest.raises(UnsupportedEnvironment, match=said):
        describe(EnvironmentSpec(id=name))


@pytest.mark.parametrize(
    ("space", "value", "said"),
    [
        ("observation_space", Dict(a=NUMBERS), "has Dict"),
        ("observation_space", Tuple((NUMBERS,)), "has Tuple"),
        ("observation_space", Box(0, 1, (0,)), "non-empty"),
        ("observation_space", MultiBinary(3), "has MultiBinary"),
        ("observation_space", MultiDiscrete([2, 2]), "has MultiDiscrete"),
        ("action_space", Dict(a=Discrete(2)), "has Dict"),
        ("action_space", MultiDiscrete([2, 2]), "has MultiDiscrete"),
        ("action_space", MultiBinary(2), "has MultiBinary"),
        ("action_space", Box(0, 5, (2,), np.int64), r"has a Box of int64, shape \(2,\)"),
        ("action_space", Box(0, 255, (2,), np.uint8), "has a Box of uint8"),
        ("action_space", Box(0, 1, (0,)), r"non-empty .* shape \(0,\)"),
        ("action_space", Tuple((Discrete(2),)), "has Tuple"),
    ],
)
def test_each_refused_space_is_named(counter: str, space: str, value: Space[Any], said: str) -> None:
    with pytest.raises(UnsupportedEnvironment, match=said):
        describe(EnvironmentSpec(id=counter, kwargs={space: value}))


@pytest.mark.parametrize(
    ("kwargs", "said"),
    [
        ({"gravity": 1}, "gravity"),
        ({"length": 3, "start": "x"}, "length.*start"),
        ({"render_mode": "human"}, "render_mode"),
        ({"max_episode_steps": 5}, "of the evaluation"),
        ({"xml_file": "/etc/passwd"}, "xml_file"),
    ],
)
def test_wrong_kwargs_are_named(counter: str, kwargs: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidSpec, match=said):
        describe(EnvironmentSpec(id=counter, kwargs=kwargs))


@pytest.mark.parametrize("name", ["CartPole-v7", "HalfCheetah-v3", "Blackjack-v1"])
def test_lanes_refuse_what_a_description_refuses(name: str) -> None:
    with pytest.raises(SaddlepointError) as described:
        describe(EnvironmentSpec(id=name))
    with pytest.raises(type(described.value), match=name):
        make_lanes(EnvironmentSpec(id=name), 2)


def test_an_older_version_is_played_without_a_warning() -> None:
    assert describe(EnvironmentSpec(id="CartPole-v0")).max_episode_steps == 200


def test_native_physics_can_be_loaded_where_warnings_are_errors() -> None:
    """A warning raised while SWIG makes its types would end the interpreter: pyproject.toml lets those through."""
    pytest.importorskip("Box2D")
    assert DiscreteSpace(n=4) == describe(EnvironmentSpec(id="LunarLander-v3")).action
