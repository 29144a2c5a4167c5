"""A policy fits an environment in shape and in what its numbers mean, or the refusal says what differs."""

from typing import Any

import pytest

from saddlepoint.errors import ActionMismatch, ObservationMismatch
from saddlepoint.schemas.environments import (
    BoxSpace,
    ContinuousSpace,
    EnvironmentDescription,
    EnvironmentSpec,
    describe_atari,
)
from saddlepoint.schemas.policies import Head, InputDescription, PolicyCard, check_compatible, space_notes
from tests.evaluation.episodes import CARD

PENDULUM = EnvironmentDescription(
    env=EnvironmentSpec(id="Pendulum-v1"),
    observation=BoxSpace(shape=(3,), dtype="float32", low=[-1.0, -1.0, -8.0], high=[1.0, 1.0, 8.0]),
    action=ContinuousSpace(n=2, shape=(2,), low=-2.0, high=[2.0, 1.0]),
)
CAR_RACING = PENDULUM.model_copy(
    update={"observation": BoxSpace(shape=(96, 96, 3), dtype="uint8", low=0.0, high=255.0)}
)
BOXING = describe_atari(EnvironmentSpec(id="BoxingNoFrameskip-v4"))


def box(low: Any, high: Any, dtype: str | None = "float32") -> dict[str, Any]:
    return {"kind": "Box", "shape": [2], "dtype": dtype, "low": low, "high": high}


def card(head: Head, shape: tuple[int, ...] = (3,), **fields: Any) -> PolicyCard:
    return CARD.model_copy(update={"head": head, "actions": 2, "observation": InputDescription(shape=shape), **fields})


@pytest.mark.parametrize(
    "stated",
    [
        None,
        box(-2.0, [2.0, 1.0]),
        box([-2.0, -2.0], [2.00001, 1.0]),
        box(None, None),
        box([None, -2.0], [2.0, None]),
        {"kind": "Box", "shape": None, "dtype": None},
        {"kind": None},
        box([-1.0], [1.0, 1.0, 1.0]),
    ],
)
def test_bounds_of_actions_that_are_the_same_or_not_stated(stated: dict[str, Any] | None) -> None:
    check_compatible(card("gaussian", action_space=stated), PENDULUM)
    assert space_notes(card("gaussian", action_space=stated), PENDULUM) == []


@pytest.mark.parametrize("head", ["gaussian", "action"])
@pytest.mark.parametrize(
    ("stated", "said"),
    [
        (box(-1.0, 1.0), "takes actions of -2 to 2, -2 to 1; the policy's file states -1 to 1,"),
        (box([-2.0, -2.0], [2.0, 2.0]), "states -2 to 2,"),
        (box([-2.0, None], [2.0, 3.0]), "states -2 to 2, -inf to 3,"),
    ],
)
def test_numbers_that_would_mean_something_else_are_refused(head: Head, stated: dict[str, Any], said: str) -> None:
    with pytest.raises(ActionMismatch, match=said):
        check_compatible(card(head, action_space=stated), PENDULUM)


def test_a_tanh_is_taken_to_any_bounds_and_the_report_says_so() -> None:
    squashed = card("gaussian", squash="tanh", action_space=box(-1.0, 1.0))
    check_compatible(squashed, PENDULUM)
    (note,) = space_notes(squashed, PENDULUM)
    assert "states actions of -1 to 1, the environment takes -2 to 2, -2 to 1; its tanh was taken" in note


def test_a_bound_where_the_environment_has_none_is_a_difference() -> None:
    free = PENDULUM.model_copy(update={"action": ContinuousSpace(n=2, shape=(2,), low=None, high=None)})
    with pytest.raises(ActionMismatch, match="-inf to inf"):
        check_compatible(card("action", action_space=box(-1.0, 1.0)), free)


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        (box(0.0, 1.0), "observations of float32 0 to 1, the environment gives uint8 0 to 255"),
        (box(0.0, 255.0, "float32"), "float32 0 to 255, the environment gives uint8"),
        (box(0.0, 255.0, "uint8"), None),
        (box(None, None, None), None),
        (None, None),
    ],
)
def test_other_observations_are_a_note(stated: dict[str, Any] | None, said: str | None) -> None:
    policy = card("gaussian", (96, 96, 3), observation_space=stated)
    check_compatible(policy, CAR_RACING)
    notes = space_notes(policy, CAR_RACING)
    assert len(notes) == (said is not None)
    assert not said or said in notes[0]


@pytest.mark.parametrize(
    ("shape", "file_format", "is_advised"),
    [
        ((3, 96, 96), "sb3-zip", True),
        ((3, 96, 96), "onnx", True),
        ((4, 96, 96), "onnx", False),
        ((27648,), "sb3-zip", False),
    ],
)
def test_the_layout_is_advised_where_it_can_help(shape: tuple[int, ...], file_format: str, is_advised: bool) -> None:
    with pytest.raises(ObservationMismatch) as caught:
        check_compatible(card("gaussian", shape, format=file_format), CAR_RACING)
    assert ("layout" in caught.value.message) == is_advised


def test_no_layout_turns_the_frames_of_plain_weights() -> None:
    stacked = CAR_RACING.model_copy(update={"observation": BoxSpace(shape=(84, 84, 4), dtype="uint8", low=0, high=255)})
    for file_format, is_advised in (("onnx", True), ("sb3-zip", False)):
        with pytest.raises(ObservationMismatch) as caught:
            check_compatible(card("gaussian", (4, 84, 84), format=file_format), stacked)
        assert ("layout" in caught.value.message) == is_advised
