"""What is asked of a policy or an environment that it does not have: refused when the evaluation is planned."""

from typing import Any

import pytest

from saddlepoint.errors import InvalidEpsilon, SaddlepointError, UnsupportedAttack
from saddlepoint.schemas.applicability import OBJECTIVES_OF_HEAD, check_applicable, scale_of, unit_notes
from saddlepoint.schemas.attacks import Objective
from saddlepoint.schemas.environments import (
    BoxSpace,
    ContinuousSpace,
    EnvironmentDescription,
    EnvironmentSpec,
    describe_atari,
)
from saddlepoint.schemas.evaluations import EvaluationSpec
from saddlepoint.schemas.policies import CONTINUOUS_HEADS, Head, OutputDescription, PolicyCard
from tests.evaluation.episodes import CARD, spec_of

ATARI = describe_atari(EnvironmentSpec(id="BoxingNoFrameskip-v4"))
HOPPER = EnvironmentDescription(
    env=EnvironmentSpec(id="Hopper-v5"),
    observation=BoxSpace(shape=(11,), dtype="float64", low=None, high=None),
    action=ContinuousSpace(n=3, shape=(3,), low=-1.0, high=1.0),
)
FREE = HOPPER.model_copy(update={"action": ContinuousSpace(n=3, shape=(3,), low=None, high=[1.0, None, 1.0])})


def card(head: Head = "logits", *outputs: str, **fields: Any) -> PolicyCard:
    named = [OutputDescription(name=name, shape=()) for name in outputs]
    return CARD.model_copy(update={"head": head, "outputs": named, **fields})


def hopper(**fields: Any) -> EvaluationSpec:
    return EvaluationSpec.model_validate({"env": "Hopper-v5", "epsilon": 0.1, **fields})


@pytest.mark.parametrize("head", OBJECTIVES_OF_HEAD)
@pytest.mark.parametrize("objective", ["ce", "max", "min", "kl", "margin", "value"])
def test_an_objective_is_for_the_heads_that_have_it(head: Head, objective: Objective) -> None:
    environment = HOPPER if head in CONTINUOUS_HEADS else ATARI
    spec = hopper(attacks=[objective]) if head in CONTINUOUS_HEADS else spec_of(attacks=[objective])
    if objective in OBJECTIVES_OF_HEAD[head]:
        check_applicable(spec, card(head), environment)
    else:
        with pytest.raises(UnsupportedAttack, match=objective):
            check_applicable(spec, card(head), environment)


@pytest.mark.parametrize(
    ("head", "output"), [("logits", "q_values"), ("gaussian", "action_value"), ("action", "action_value")]
)
def test_value_is_for_any_head_beside_a_critic(head: Head, output: str) -> None:
    environment = HOPPER if head in CONTINUOUS_HEADS else ATARI
    attacks = ["value", {"kind": "fgsm", "loss": "value"}, {"kind": "worst", "members": ["ce", "value"]}]
    spec = hopper(attacks=attacks) if head in CONTINUOUS_HEADS else spec_of(attacks=attacks)
    check_applicable(spec, card(head, head, output), environment)
    with pytest.raises(UnsupportedAttack, match=r"got value\. It needs the"):
        check_applicable(spec, card(head, head), environment)


REFUSED: list[tuple[EvaluationSpec, PolicyCard, EnvironmentDescription, type[SaddlepointError], str]] = [
    (hopper(attacks=["min"]), card("gaussian"), FREE, UnsupportedAttack, "have none"),
    (hopper(action_mode="sample"), card("action"), HOPPER, UnsupportedAttack, "action_mode must be greedy"),
    (hopper(attacks=["square"]), card("gaussian"), HOPPER, UnsupportedAttack, "set its loss to ce"),
    (hopper(attacks=[{"kind": "ce", "quantize": True}]), card("gaussian"), HOPPER, UnsupportedAttack, "float64"),
    (
        hopper(attacks=[{"kind": "ce", "frame_consistent": True}]),
        card("gaussian"),
        HOPPER,
        UnsupportedAttack,
        "grey Atari frames",
    ),
    (
        spec_of(when={"kind": "value_above", "threshold": 1.0}),
        card("logits", "logits"),
        ATARI,
        UnsupportedAttack,
        "no output 'value'",
    ),
    (
        hopper(when={"kind": "preference_gap", "threshold": 0.5}),
        card("gaussian"),
        HOPPER,
        UnsupportedAttack,
        "probabilities of actions",
    ),
    (hopper(epsilon_scale=[1.0] * 10), card("gaussian"), HOPPER, InvalidEpsilon, "11 for Hopper-v5; got 10"),
    (
        hopper(epsilon_scale="observation_std"),
        card("gaussian"),
        HOPPER,
        InvalidEpsilon,
        "neither its card nor its network",
    ),
    (
        hopper(epsilon_scale="observation_std", epsilon=[10.0]),
        card("gaussian").model_copy(update={"observation_std": [1.0] * 10 + [5e29]}),
        HOPPER,
        InvalidEpsilon,
        "got 5e[+]30",
    ),
    (
        spec_of(attacks=[{"kind": "worst", "restarts": 30}]),
        card(),
        ATARI,
        UnsupportedAttack,
        "at most 64 times a step, got 90",
    ),
]


@pytest.mark.parametrize(("spec", "policy", "environment", "error", "text"), REFUSED)
def test_what_cannot_be_done_is_refused_with_rule_value_and_remedy(
    spec: EvaluationSpec,
    policy: PolicyCard,
    environment: EnvironmentDescription,
    error: type[SaddlepointError],
    text: str,
) -> None:
    with pytest.raises(error, match=text):
        check_applicable(spec, policy, environment)


def test_what_can_be_done_passes() -> None:
    everything = [
        {"kind": "ce", "norm": "l2", "restarts": 3, "quantize": True},
        {"kind": "ce", "label": "frames", "frame_consistent": True},
        "worst",
        "square",
        {"kind": "fgsm", "loss": "kl"},
    ]
    when = {"kind": "value_above", "threshold": 1.0}
    check_applicable(spec_of(attacks=everything, when=when), card("logits", "logits", "value"), ATARI)


def test_the_scale_is_the_cards_deviation_or_the_users_numbers() -> None:
    policy = card("gaussian", observation_std=[float(n) for n in range(1, 12)])
    spec = hopper(epsilon_scale="observation_std")
    check_applicable(spec, policy, HOPPER)
    assert scale_of(spec, policy) == tuple(range(1, 12))
    assert scale_of(hopper(epsilon_scale=[0.5] * 11), policy) == (0.5,) * 11
    assert scale_of(hopper(), policy) is None


def test_a_policy_with_units_of_its_own_is_told_of_where_epsilon_counts_in_others() -> None:
    own = card("gaussian", observation_std=[0.5, 0.04, 20.0])
    (note,) = unit_notes(hopper(attacks=["none", "ce"]), own)
    assert "divides its observations by 0.04 to 20." in note
    assert "epsilon_scale observation_std" in note


@pytest.mark.parametrize(
    ("asked", "deviations"),
    [
        pytest.param({"epsilon_scale": "observation_std"}, [0.5, 2.0], id="counts in them"),
        pytest.param({"epsilon_scale": [1.0, 2.0]}, [0.5, 2.0], id="counts in what was chosen"),
        pytest.param({}, [2.0, 2.0], id="the same everywhere"),
        pytest.param({}, None, id="none"),
        pytest.param({"attacks": ["none"]}, [0.5, 2.0], id="nothing attacked"),
    ],
)
def test_there_is_nothing_to_tell_where_no_unit_is_left_open(
    asked: dict[str, Any], deviations: list[float] | None
) -> None:
    spec = hopper(**{"attacks": ["none", "ce"], **asked})
    assert unit_notes(spec, card("gaussian", observation_std=deviations)) == []
