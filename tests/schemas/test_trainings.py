"""What a training may be made of."""

from typing import Any

import pytest

from saddlepoint.errors import InvalidEpsilon, InvalidSpec, UnsupportedEnvironment
from saddlepoint.schemas.environments import (
    BoxSpace,
    ContinuousSpace,
    DiscreteSpace,
    EnvironmentDescription,
    EnvironmentSpec,
    describe_atari,
)
from saddlepoint.schemas.trainings import Method, TrainingSpec, check_trainable, resolve_config

PIXELS = EnvironmentSpec(id="BoxingNoFrameskip-v4")


def world(action: DiscreteSpace | ContinuousSpace) -> EnvironmentDescription:
    return EnvironmentDescription(
        env=EnvironmentSpec(id="World-v0"),
        observation=BoxSpace(shape=(2, 2), dtype="float32", low=None, high=None),
        action=action,
    )


CHOICES = world(DiscreteSpace(n=3))
NUMBERS = world(ContinuousSpace(n=3, shape=(3,), low=-1.0, high=1.0))


def spec_of(method: Method, env: EnvironmentSpec = CHOICES.env, **config: object) -> TrainingSpec:
    return TrainingSpec(method=method, env=env, config=config)


@pytest.mark.parametrize(
    ("spec", "epsilon"),
    [
        (spec_of("atpa", PIXELS), 4.0),
        (spec_of("atpa", PIXELS, epsilon=2), 2.0),
        (spec_of("atpa", PIXELS, epsilon=0), 0.0),
        (spec_of("radial", epsilon=0.5), 0.5),
        (spec_of("standard", PIXELS, epsilon=2), None),
        (spec_of("standard"), None),
    ],
)
def test_epsilon_is_decided(spec: TrainingSpec, epsilon: float | None) -> None:
    assert resolve_config(spec).epsilon == epsilon


def test_outside_of_games_epsilon_is_given() -> None:
    with pytest.raises(InvalidSpec, match=r"World-v0 has no usual radius for it; give config.epsilon"):
        resolve_config(spec_of("sa_ppo"))


@pytest.mark.parametrize("wrong", [{"epsilon": 5e-324}, {"epsilon": 1e300}, {"epsilon": 1, "attack_step_size": 5e-324}])
def test_what_float32_does_not_compute_with_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidEpsilon, match="between 1e-30 and 1e\\+30"):
        resolve_config(spec_of("atpa", **wrong))


@pytest.mark.parametrize("count", [3, 5])
def test_a_scale_has_a_number_for_every_entry(count: int) -> None:
    with pytest.raises(InvalidEpsilon, match=f"one number per entry of an observation, 4 for World-v0; got {count}"):
        check_trainable(spec_of("atpa", epsilon=1, epsilon_scale=[1.0] * count), CHOICES)
    check_trainable(spec_of("atpa", epsilon=1, epsilon_scale=[1.0] * 4), CHOICES)


def test_only_whole_brightnesses_are_centred() -> None:
    with pytest.raises(InvalidSpec, match=r"must be uint8, and those of World-v0 are float32. Leave center_pixels out"):
        check_trainable(spec_of("standard", center_pixels=True), CHOICES)
    check_trainable(spec_of("standard", PIXELS, center_pixels=True), describe_atari(PIXELS))


def test_radial_bounds_choices_only() -> None:
    with pytest.raises(
        UnsupportedEnvironment, match=r"World-v0 takes 3 numbers. Choose another method, such as sa_ppo"
    ):
        check_trainable(spec_of("radial", epsilon=1), NUMBERS)
    check_trainable(spec_of("sa_ppo", epsilon=1), NUMBERS)
    check_trainable(spec_of("radial", PIXELS), describe_atari(PIXELS))
