"""Which evaluations may stand in one table: those that differ in the policy and in nothing else."""

import json
from collections.abc import Mapping
from typing import Any

from saddlepoint.errors import NotComparable
from saddlepoint.schemas.evaluations import EvaluationSpec
from saddlepoint.schemas.plans import Plan

_MAX_QUOTED = 80
_NOTHING = "nothing"
_LEFT_OUT = {
    "action_mode": "action_mode (--action-mode) left out follows from what a policy gives: state it for both",
    "precision": "precision left out follows from the machine: state it for both",
    "epsilon_scale": "epsilon_scale observation_std is each policy's own: state the numbers for both",
}
"""What one specification may come to differently."""


def setting_of(spec: EvaluationSpec, plan: Plan) -> dict[str, Any]:
    """All that an evaluation's numbers follow from beside its policy; attacks stand under their labels."""
    filled = spec.filled()
    return {
        "protocol_version": plan.protocol_version,
        "env": plan.environment.env.model_dump(mode="json"),
        "seeds": list(filled.seeds or ()),
        "episodes_per_seed": filled.episodes_per_seed,
        "max_episode_steps": plan.max_episode_steps,
        "precision": plan.precision,
        "epsilon_scale": None if plan.epsilon_scale is None else list(plan.epsilon_scale),
        "attacks": {
            cell.label: {**cell.attack.model_dump(mode="json"), "action_mode": cell.action_mode}
            for cell in plan.cells
            if cell.role != "random_policy"
        },
    }


def check_comparable(settings: Mapping[str, Mapping[str, Any]]) -> None:
    """`settings` by evaluation. Raises NotComparable, which names the first field that differs and both its values."""
    (first, expected), *others = settings.items()
    for name, setting in others:
        found = _difference(expected, setting)
        if found is not None:
            field, ours, theirs = found
            raise NotComparable(
                f"Evaluations are compared where all but the policy is the same; {field} is {_quoted(ours)} in {first} "
                f"and {_quoted(theirs)} in {name}. Evaluate both with one specification{_how(field)}."
            )


def _how(field: str) -> str:
    told = _LEFT_OUT.get(field.rpartition(".")[2])
    return "" if told is None else f"; {told}"


def _difference(ours: Any, theirs: Any, path: str = "") -> tuple[str, Any, Any] | None:
    """The first place where two JSON values differ, and what is there."""
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        names = [*ours, *(name for name in theirs if name not in ours)]
        found = (
            _difference(ours.get(name, _NOTHING), theirs.get(name, _NOTHING), f"{path}.{name}" if path else name)
            for name in names
        )
        return next((difference for difference in found if difference is not None), None)
    return None if ours == theirs else (path, ours, theirs)


def _quoted(value: Any) -> str:
    text = json.dumps(value, sort_keys=True)
    return text if len(text) <= _MAX_QUOTED else f"{text[:_MAX_QUOTED]}…"
