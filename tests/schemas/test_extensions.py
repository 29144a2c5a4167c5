from typing import Any

import pytest

from saddlepoint.errors import InvalidSpec, SaddlepointError, TooManyEpisodes
from saddlepoint.schemas.evaluations import EvaluationRecord, EvaluationSpec
from saddlepoint.schemas.extensions import ExtensionSpec, extended
from saddlepoint.schemas.plans import Plan
from tests.evaluation.episodes import plan_of, spec_of
from tests.worker.world import NOW
from tests.worker.world import plan_of as plan_of_record


def more(**fields: Any) -> ExtensionSpec:
    return ExtensionSpec.model_validate(fields)


def labels(spec: EvaluationSpec) -> list[str]:
    return [cell.label for cell in spec.cells()]


def test_seeds_are_added_to_those_that_were_played() -> None:
    spec = spec_of(seeds=[1, 7])
    assert extended(spec, more(seeds=3)).seeds == (0, 1, 2, 7)
    assert extended(spec, more(seeds=[4])).seeds == (1, 4, 7)


def test_attacks_and_epsilons_are_added_behind_those_that_were_played() -> None:
    spec = spec_of(attacks=["none", "ce"], epsilon=4)
    assert labels(extended(spec, more(attacks=["max", "ce"]))) == ["none", "ce@4", "max@4"]
    assert labels(extended(spec, more(epsilon=[8, 4]))) == ["none", "ce@4", "ce@8"]


def test_the_defaults_of_the_old_one_are_kept() -> None:
    found = extended(EvaluationSpec.model_validate({"env": "BoxingNoFrameskip-v4"}), more(episodes_per_seed=4))
    assert (found.counts(), found.epsilon, len(found.cells())) == ((10, 4), (4.0,), 5)


@pytest.mark.parametrize(
    ("fields", "error", "text"),
    [
        ({}, InvalidSpec, "something new"),
        ({"seeds": 2, "attacks": ["none"], "epsilon": 4}, InvalidSpec, "something new"),
        ({"episodes_per_seed": 1}, InvalidSpec, "Give 2 or more"),
        ({"attacks": [{"kind": "ce", "steps": 20}]}, InvalidSpec, "own label"),
        ({"seeds": 10**9}, TooManyEpisodes, "At most"),
        ({"seeds": True}, InvalidSpec, "number"),
        ({"epsilon": -1}, InvalidSpec, "negative"),
    ],
)
def test_what_adds_nothing_or_takes_away_is_refused(
    fields: dict[str, Any], error: type[SaddlepointError], text: str
) -> None:
    with pytest.raises(error, match=text):
        extended(spec_of(), more(**fields))


def extension_of(plan: Plan, spec: EvaluationSpec) -> Plan:
    record = EvaluationRecord(
        id="larger", owner="me", policy_id="policy", spec=spec, created_at=NOW, parent="it", lanes=plan.shards[0].lanes
    )
    return plan_of_record(record)


def test_the_plan_of_an_extension_has_the_cells_and_the_width_of_its_parent() -> None:
    """100 seeds alone would be played 64 wide, and every result lie elsewhere."""
    spec = spec_of(attacks=["none", "ce"])
    plan, larger = plan_of(spec), extended(spec, more(seeds=300, epsilon=8))
    extension = extension_of(plan, larger)
    assert {shard.lanes for shard in extension.shards} == {plan.shards[0].lanes}
    assert {cell.key for cell in plan.cells} < {cell.key for cell in extension.cells}
    assert {cell.key for cell in plan.cells}.isdisjoint({cell.key for cell in plan_of(larger).cells[:-1]})
