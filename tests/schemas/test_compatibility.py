"""Whether a policy fits an environment."""

from typing import Any

import pytest

from saddlepoint.errors import ActionMismatch, ObservationMismatch
from saddlepoint.schemas.environments import (
    BoxSpace,
    ContinuousSpace,
    DiscreteSpace,
    EnvironmentDescription,
    EnvironmentSpec,
)
from saddlepoint.schemas.policies import HEAD_OUTPUTS, Head, InputDescription, PolicyCard, check_compatible

BOUNDED = ContinuousSpace(n=3, shape=(3,), low=-1, high=1)
CHOICES = DiscreteSpace(n=3)


def card(head: Head, actions: int = 3, **more: Any) -> PolicyCard:
    return PolicyCard.model_validate(
        {
            "id": "p",
            "created_at": "2026-01-01T00:00:00Z",
            "format": "onnx",
            "architecture": "onnx",
            "head": head,
            "observation": InputDescription(shape=(4,)),
            "outputs": [],
            "actions": actions,
            "parameters": 1,
            "sha256": "0",
            "canonical_sha256": "0",
            "size": 1,
            "max_disagreement": 0.0,
        }
        | more
    )


def world(action: DiscreteSpace | ContinuousSpace, shape: tuple[int, ...] = (4,)) -> EnvironmentDescription:
    box = BoxSpace(shape=shape, dtype="float32", low=None, high=None)
    return EnvironmentDescription(env=EnvironmentSpec(id="World-v0"), observation=box, action=action)


@pytest.mark.parametrize(
    ("head", "space"),
    [("logits", CHOICES), ("q_values", CHOICES), ("gaussian", BOUNDED), ("action", BOUNDED)],
)
def test_a_head_fits_its_kind_of_space_only(head: Head, space: DiscreteSpace | ContinuousSpace) -> None:
    check_compatible(card(head), world(space))
    other = BOUNDED if space == CHOICES else CHOICES
    with pytest.raises(ActionMismatch, match=f"World-v0 takes .*'{HEAD_OUTPUTS[head][0]}'.* does not give. Choose"):
        check_compatible(card(head), world(other))


def test_logits_that_may_be_a_gaussian_are_refused_with_the_card_that_says_so() -> None:
    guessed = card("logits", perhaps_gaussian=("action_head", "out_1"))
    check_compatible(guessed, world(CHOICES))
    with pytest.raises(ActionMismatch) as caught:
        check_compatible(guessed, world(BOUNDED))
    assert '{"outputs": {"mean": "action_head", "log_std": "out_1"}}' in str(caught.value)


def test_an_output_that_was_guessed_to_be_logits_is_refused_with_the_card_that_says_what_it_is() -> None:
    with pytest.raises(ActionMismatch) as caught:
        check_compatible(card("logits", guesses=["output '11' taken as logits"]), world(BOUNDED))
    assert "It is a guess: output '11' taken as logits. If that is the action, state it in the card: " in str(
        caught.value
    )
    with pytest.raises(ActionMismatch) as caught:
        check_compatible(card("logits", guesses=["tanh after every hidden layer"]), world(BOUNDED))
    assert "guess" not in str(caught.value)


@pytest.mark.parametrize(
    ("head", "space", "said"),
    [
        ("logits", CHOICES, "World-v0 has 3 actions, the policy 2. Choose"),
        ("gaussian", BOUNDED, "World-v0 takes actions of 3 numbers, the policy gives 2. Choose"),
    ],
)
def test_the_number_must_agree(head: Head, space: DiscreteSpace | ContinuousSpace, said: str) -> None:
    with pytest.raises(ActionMismatch, match=said):
        check_compatible(card(head, 2), world(space))


@pytest.mark.parametrize(
    ("low", "high"), [(None, 1), (-1, None), ([-1, None, -1], 1), (-1, [1, 1, None]), (None, None)]
)
def test_a_squashed_action_needs_bounds(low: Any, high: Any) -> None:
    space = ContinuousSpace(n=3, shape=(3,), low=low, high=high)
    assert not space.bounded
    check_compatible(card("gaussian"), world(space))
    with pytest.raises(ActionMismatch, match=r"'tanh' .* World-v0 .* State squash 'none'"):
        check_compatible(card("gaussian", squash="tanh"), world(space))


@pytest.mark.parametrize(("low", "high"), [(-1, 1), ([-1, -2, -3], [1, 2, 3])])
def test_a_squashed_action_fits_a_bounded_space(low: Any, high: Any) -> None:
    check_compatible(card("gaussian", squash="tanh"), world(ContinuousSpace(n=3, shape=(3,), low=low, high=high)))


def test_observations_must_have_one_shape() -> None:
    with pytest.raises(
        ObservationMismatch, match=r"World-v0 gives observations of shape \[5\], the policy takes \[4\]"
    ):
        check_compatible(card("logits"), world(CHOICES, (5,)))


@pytest.mark.parametrize(
    ("env", "policy"),
    [("World-v0", card("logits")), ("PongNoFrameskip-v4", card("logits")), ("World-v0", card("logits", 2))],
)
def test_options_of_atari_are_advised_for_atari_alone(env: str, policy: PolicyCard) -> None:
    shape = (4,) if policy.actions == 2 else (5,)
    described = world(CHOICES, shape).model_copy(update={"env": EnvironmentSpec(id=env)})
    with pytest.raises((ObservationMismatch, ActionMismatch)) as caught:
        check_compatible(policy, described)
    told = str(caught.value)
    assert ("frame_stack" in told) == env.startswith("Pong")
    assert "Atari" not in told
    assert "Choose the" in told


def test_one_number_more_is_told_to_be_the_time_perhaps() -> None:
    policy = card("gaussian", observation=InputDescription(shape=(5,)))
    with pytest.raises(ObservationMismatch, match=r"the policy takes \[5\].* is often the time"):
        check_compatible(policy, world(BOUNDED))
    with pytest.raises(ObservationMismatch) as caught:
        check_compatible(policy, world(BOUNDED, (6,)))
    assert "the time" not in caught.value.message


@pytest.mark.parametrize(("size", "frames"), [(16, "4"), (8, "2"), (5, None), (7, None), (2, None)])
def test_a_stack_of_flat_observations_is_refused_with_the_wrapper_that_makes_it(size: int, frames: str | None) -> None:
    with pytest.raises(ObservationMismatch) as caught:
        check_compatible(card("logits", observation=InputDescription(shape=(size,))), world(CHOICES))
    assert (f"FrameStackObservation(env, {frames}, " in str(caught.value)) == (frames is not None)
