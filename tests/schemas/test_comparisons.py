"""Which evaluations may be compared, and what is said of those that may not."""

from typing import Any

import pytest
from pydantic import ValidationError

from saddlepoint.errors import InvalidSpec, NotComparable
from saddlepoint.schemas.comparability import check_comparable, setting_of
from saddlepoint.schemas.comparisons import ComparisonRecord, ComparisonSpec, GroupsSpec, comparison_id
from saddlepoint.schemas.environments import EnvironmentSpec, describe_atari
from saddlepoint.schemas.plans import make_plan
from tests.evaluation.episodes import CARD
from tests.worker.world import NOW, make_record


def setting(*, head: Any = "logits", **spec: Any) -> dict[str, Any]:
    """Of an evaluation with these fields."""
    record = make_record(**spec)
    environment = describe_atari(EnvironmentSpec.model_validate(record.spec.env))
    card = CARD.model_copy(update={"head": head})
    plan = make_plan(record, card, environment, default_precision="fp32")
    return setting_of(record.spec, plan)


def test_spellings_of_one_specification_are_comparable() -> None:
    spelt = setting(seeds=[2, 1, 0], epsilon=[4.0], attacks=["random", "none"])
    check_comparable({"a": setting(), "b": spelt})


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"seeds": 4}, "seeds"),
        ({"episodes_per_seed": 3}, "episodes_per_seed"),
        ({"max_episode_steps": 100}, "max_episode_steps"),
        ({"env": "ALE/Boxing-v5"}, "env.id"),
        ({"epsilon": 8}, "attacks.random@4"),
        ({"attacks": ["none", "random", "ce"]}, "attacks.ce@4"),
        ({"attacks": ["none", {"kind": "random", "norm": "l2"}]}, "attacks.random@4.norm"),
        ({"when": {"kind": "every", "every": 2}}, "attacks.random@4.when.kind"),
        ({"action_mode": "greedy"}, "attacks.none.action_mode"),
        ({"precision": "bf16"}, "precision"),
        ({"head": "q_values"}, "attacks.none.action_mode"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_field_that_differs_is_named(change: dict[str, Any], field: str) -> None:
    with pytest.raises(NotComparable, match=rf"; {field} is .* in a and .* in b"):
        check_comparable({"a": setting(), "b": setting(**change)})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {"head": "q_values"},
            r"action_mode \(--action-mode\) left out follows from what a policy gives",
        ),
        ({"precision": "bf16"}, "specification; precision left out follows from the machine"),
        ({"seeds": 4}, r"specification\.$"),
    ],
    ids=["action_mode", "precision", "seeds"],
)
def test_what_one_specification_may_leave_open_is_told(change: dict[str, Any], told: str) -> None:
    with pytest.raises(NotComparable, match=told):
        check_comparable({"a": setting(), "b": setting(**change)})


def test_every_evaluation_is_looked_at() -> None:
    with pytest.raises(NotComparable, match=r"in a and .* in c"):
        check_comparable({"a": setting(), "b": setting(), "c": setting(seeds=9)})


def test_an_evaluation_counts_once() -> None:
    with pytest.raises(InvalidSpec, match="x is named twice"):
        ComparisonSpec(baseline=("x",), candidate=("y", "x"))
    with pytest.raises(ValidationError):
        ComparisonSpec(baseline=(), candidate=("y",))


def test_the_same_evaluations_are_the_same_comparison() -> None:
    one, other = ComparisonSpec(baseline=("a",), candidate=("b",)), ComparisonSpec(baseline=("b",), candidate=("a",))
    assert comparison_id("me", one, 0) == comparison_id("me", one, 0)
    different = {comparison_id(owner, spec, n) for owner in ("me", "you") for spec in (one, other) for n in (0, 1)}
    assert len(different) == 8


def test_groups_are_named_and_an_evaluation_counts_once_in_all_of_them() -> None:
    assert GroupsSpec(groups={"a": ("x", "y"), "b": ("z",)}).evaluations == ("x", "y", "z")
    with pytest.raises(InvalidSpec, match="x is named twice"):
        GroupsSpec(groups={"a": ("x",), "b": ("y", "x")})
    for groups in ({"a": ("x",)}, {"a": ("x",), "b": ()}, {"a": ("x",), " b": ("y",)}, {"a": ("x",), "": ("y",)}):
        with pytest.raises(ValidationError):
            GroupsSpec.model_validate({"groups": groups})
    with pytest.raises(ValidationError):
        GroupsSpec(groups={str(n): (f"e{n}",) for n in range(21)})


def test_the_order_of_groups_is_part_of_what_is_compared() -> None:
    one, other = (GroupsSpec(groups={name: (name,) for name in names}) for names in ("ab", "ba"))
    assert comparison_id("me", one, 0) == comparison_id("me", GroupsSpec(groups={"a": ("a",), "b": ("b",)}), 0)
    assert comparison_id("me", one, 0) != comparison_id("me", other, 0)


def test_either_specification_is_read_back_from_a_record() -> None:
    for spec in (ComparisonSpec(baseline=("a",), candidate=("b",)), GroupsSpec(groups={"z": ("a",), "a": ("b",)})):
        record = ComparisonRecord(id="c", owner="me", created_at=NOW, chunks=1, chunk_timeout_s=1.0, spec=spec)
        read = ComparisonRecord.model_validate_json(record.model_dump_json())
        assert read == record
        assert read.model_dump_json() == record.model_dump_json()
