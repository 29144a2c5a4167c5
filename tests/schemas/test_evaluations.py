from typing import Any

import pytest
from pydantic import ValidationError

from saddlepoint.errors import SaddlepointError
from saddlepoint.schemas.evaluations import EvaluationSpec, evaluation_id, spec_hash
from tests.evaluation.episodes import spec_of


def cells(**fields: Any) -> list[tuple[str, float, int, float]]:
    return [
        (cell.label, cell.attack.epsilon, cell.attack.steps, cell.attack.step_size)
        for cell in spec_of(**fields).cells()
    ]


def test_the_five_attacks_are_the_default_at_four_of_255() -> None:
    assert cells() == [
        ("none", 0, 0, 0),
        ("random@4", 4, 0, 0),
        ("max@4", 4, 7, 2),
        ("min@4", 4, 7, 2),
        ("ce@4", 4, 7, 2),
    ]


def test_an_attack_may_have_its_own_budget_and_the_evaluations_otherwise() -> None:
    own = {"kind": "ce", "label": "slow", "epsilon": [1, 3], "steps": 50, "step_size": 0.1}
    assert cells(attacks=["max", own], epsilon=2, steps=3) == [
        ("max@2", 2, 3, 1),
        ("slow@1", 1, 50, 0.1),
        ("slow@3", 3, 50, 0.1),
    ]


def test_options_of_an_attack_reach_its_cells() -> None:
    spec = spec_of(attacks=["fgsm", "square", "worst", {"kind": "ce", "norm": "l2", "restarts": 3}], epsilon=2)
    fgsm, square, worst, ce = (cell.attack for cell in spec.cells())
    assert (fgsm.steps, fgsm.step_size, fgsm.objectives) == (1, 2, ("max",))
    assert (square.steps, square.uses_gradient, square.objectives) == (100, False, ("margin",))
    assert (worst.objectives, worst.measured_by) == (("ce", "max", "min"), "ce")
    assert (ce.objectives, ce.norm) == (("ce", "ce", "ce"), "l2")


def test_an_attack_may_have_its_own_time() -> None:
    often = {"kind": "ce", "label": "seldom", "when": {"kind": "every", "every": 4}}
    spec = spec_of(attacks=["ce", often], when={"kind": "fraction", "fraction": 0.5})
    assert [cell.attack.when.kind for cell in spec.cells()] == ["fraction", "every"]


def test_none_runs_once_whatever_the_epsilons() -> None:
    assert cells(attacks=["none"], epsilon=[1, 2, 4]) == [("none", 0, 0, 0)]


@pytest.mark.parametrize(
    "same",
    [
        {"epsilon": 4},
        {"epsilon": [4.0]},
        {"env": {"id": "BoxingNoFrameskip-v4"}},
        {"env": {"id": "BoxingNoFrameskip-v4", "sticky": 0.0}},
        {"seeds": [0, 1]},
        {"attacks": ["none", "random", "max", "min", "ce"]},
        {"policy_id": "abc"},
        {"seeds": [1, 0]},
        {"step_size": 2},
        {"attacks": ["none", "random", "max", "min", {"kind": "ce", "epsilon": 4, "steps": 7, "step_size": 2}]},
        {"when": {"kind": "always"}},
    ],
)
def test_every_spelling_of_a_specification_has_one_hash(same: dict[str, Any]) -> None:
    assert spec_hash(spec_of(**same), "policy") == spec_hash(spec_of(), "policy")


@pytest.mark.parametrize(
    "other",
    [
        {"epsilon": 5},
        {"seeds": 3},
        {"steps": 8},
        {"action_mode": "greedy"},
        {"env": "ALE/Boxing-v5"},
        {"when": {"kind": "every", "every": 2}},
        {"attacks": ["none", "random", "max", "min", {"kind": "ce", "norm": "l2"}]},
    ],
)
def test_another_meaning_has_another_hash(other: dict[str, Any]) -> None:
    assert spec_hash(spec_of(**other), "policy") != spec_hash(spec_of(), "policy")


def test_ids_differ_by_owner_and_generation() -> None:
    ids = {evaluation_id(owner, "hash", generation) for owner in "ab" for generation in (0, 1)}
    assert len(ids) == 4


@pytest.mark.parametrize(("tier", "counts"), [("smoke", (2, 1)), ("quick", (10, 3)), ("standard", (30, 5))])
def test_a_tier_fills_seeds_and_episodes(tier: str, counts: tuple[int, int]) -> None:
    spec = EvaluationSpec.model_validate({"env": "BoxingNoFrameskip-v4", "tier": tier})
    assert spec.counts() == counts
    assert spec.filled().seeds == tuple(range(counts[0]))


@pytest.mark.parametrize(
    "wrong",
    [
        {"env": "NoSuchGameNoFrameskip-v4"},
        {"env": "not an id"},
        {"attacks": ["fgsm2"]},
        {"attacks": []},
        {"epsilon": -1},
        {"epsilon": 1e39},
        {"epsilon": 5e-324},
        {"step_size": 1e300},
        {"attacks": [{"kind": "ce", "step_size": 1e300}]},
        {"epsilon": True},
        {"steps": True},
        {"epsilon_scale": [0.0]},
        {"epsilon_scale": [-1.0]},
        {"epsilon": 1e20, "epsilon_scale": [1.0, 1e20]},
        {"epsilon": 1e20, "step_size": 1e25, "epsilon_scale": [1e10]},
        {"attacks": [{"kind": "ce", "members": ["max"]}]},
        {"attacks": [{"kind": "ce", "loss": "max"}]},
        {"attacks": [{"kind": "worst", "members": ["max", "max"]}]},
        {"attacks": [{"kind": "ce", "norm": "l2", "frame_consistent": True}]},
        {"attacks": [{"kind": "square", "norm": "l2"}]},
        {"epsilon": []},
        {"seeds": []},
        {"seeds": [1, 1]},
        {"seeds": [-1]},
        {"episodes_per_seed": 0},
        {"seeds": 1_000_000},
        {"env": "CartPole-v1"},
        {"attacks": ["ce", "ce"]},
        {"attacks": [{"kind": "ce", "epsilon": []}]},
        {"env": {"id": "ALE/Boxing-v5", "kwargs": {"mode": 1}}},
    ],
)
def test_what_makes_no_sense_is_refused_with_a_reason(wrong: dict[str, Any]) -> None:
    with pytest.raises(SaddlepointError) as refused:
        spec_of(**wrong)
    assert len(refused.value.message) > 20


@pytest.mark.parametrize("wrong", [{"epsilonn": 1}, {"steps": 0}, {"epsilon": float("nan")}, {"precision": "fp8"}])
def test_what_does_not_fit_the_schema_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        spec_of(**wrong)
