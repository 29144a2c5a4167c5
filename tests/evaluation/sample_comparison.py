"""Reports of runs with the same episodes, made by hand, for tests of what compares them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np

from saddlepoint.evaluation.comparison import compare
from saddlepoint.schemas.comparisons import ComparisonResult, ComparisonSpec
from saddlepoint.schemas.reports import Cell, RandomPolicyReference, Reference, RobustnessReport, WorstCase

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
Returns = Mapping[str, Sequence[float]]
"""By label; the attack is the part before `@`, the rest its epsilon."""


def report(
    name: str,
    returns: Returns,
    greedy: Returns | None = None,
    *,
    random_policy: Sequence[float] = (0.0, 0.0),
    method: str | None = None,
    parent: str | None = None,
    worst: float | None = None,
) -> RobustnessReport:
    """The report of policy `policy-<name>` by evaluation `<name>`."""
    lineage = {"lineage": {"method": method, "parent": parent}} if method else {}
    return RobustnessReport(
        id=name,
        created_at=NOON,
        policy={"id": f"policy-{name}", "name": None, **lineage},
        env={"id": "CartPole-v1"},
        spec={},
        cells=[cell(label, values) for label, values in returns.items()],
        greedy_cells=[cell(label, values, "greedy") for label, values in (greedy or {}).items()],
        reference=Reference(
            random_policy=RandomPolicyReference(
                mean=float(np.mean(random_policy)), episodes=len(random_policy), returns=list(random_policy)
            )
        ),
        worst_case=None if worst is None else _worst_case(worst),
        verdict="",
        environment_steps=0,
        wall_time_s=0.0,
        versions={},
        protocol={},
        statistics={},
    )


def _worst_case(mean: float) -> WorstCase:
    return WorstCase(
        attack="ce", label="ce", epsilon=4.0, mean=mean, ci95=(mean - 1.0, mean + 1.0), selection="held_out"
    )


def cell(label: str, returns: Sequence[float], action_mode: str = "sample") -> Cell:
    attack, _, epsilon = label.partition("@")
    return Cell.model_validate(
        {
            "attack": attack,
            "label": attack,
            "epsilon": float(epsilon or 0),
            "steps": 7,
            "step_size": 1.0,
            "action_mode": action_mode,
            "episodes": len(returns),
            "seeds": list(range(len(returns))),
            "returns": list(returns),
            "lengths": [1] * len(returns),
            "mean": float(np.mean(returns)),
            "std": None,
            "ci95": None,
            "ci95_method": "",
            "median": 0.0,
            "iqm": 0.0,
            "cvar10": 0.0,
            "worst_seed": 0,
            "worst_seed_mean": 0.0,
            "distinct_trajectories": 1,
        }
    )


def compared(baseline: Sequence[RobustnessReport], candidate: Sequence[RobustnessReport]) -> ComparisonResult:
    """Their comparison."""
    spec = ComparisonSpec(baseline=[each.id for each in baseline], candidate=[each.id for each in candidate])
    setting = {"seeds": [0, 1], "attacks": {"ce@4": {"kind": "ce", "steps": 7}}}
    return compare("c", spec, setting, baseline, candidate, created_at=NOON)


def sample_comparison() -> ComparisonResult:
    """A hardened policy beside its parent: worse without attack, better under attack."""
    rng = np.random.default_rng(0)

    def around(mean: float) -> list[float]:
        return [float(value) for value in np.round(rng.normal(mean, 8, 12), 1)]

    parent = {"none": around(500), "random@4": around(480), "ce@4": around(20)}
    child = {"none": around(460), "random@4": around(455), "ce@4": around(140)}
    return compared(
        [report("parent", parent, {"ce@4": around(18)}, random_policy=(20.0, 22.0, 24.0))],
        [report("child", child, {"ce@4": around(150)}, method="atpa", parent="policy-parent")],
    )
