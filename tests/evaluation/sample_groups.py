"""Reports of several methods, and their comparison, made by hand."""

from collections.abc import Mapping, Sequence

import numpy as np

from saddlepoint.evaluation.group_comparison import compare_groups
from saddlepoint.schemas.comparisons import GroupsSpec
from saddlepoint.schemas.group_comparisons import GroupsResult
from saddlepoint.schemas.reports import RobustnessReport
from tests.evaluation.sample_comparison import NOON, report

ATTACKS = ("none", "random@4", "max@4", "ce@4")
MEANS = {
    "standard": (500.0, 480.0, 60.0, 20.0),
    "dataaugment": (470.0, 465.0, 90.0, 70.0),
    "atpa": (460.0, 455.0, 160.0, 140.0),
}
"""By method, under each of ATTACKS."""


def grouped(groups: Mapping[str, Sequence[RobustnessReport]]) -> GroupsResult:
    """Their comparison."""
    spec = GroupsSpec(groups={name: tuple(each.id for each in reports) for name, reports in groups.items()})
    setting = {"seeds": [0, 1], "attacks": {"ce@4": {"kind": "ce", "steps": 7}}}
    return compare_groups("g", spec, setting, groups, created_at=NOON)


def sample_groups(runs: int = 5, episodes: int = 12) -> GroupsResult:
    """Three methods of so many training runs each."""
    return grouped({method: [run(method, number, episodes) for number in range(runs)] for method in MEANS})


def run(method: str, number: int, episodes: int) -> RobustnessReport:
    rng = np.random.default_rng([len(method), number])
    shift = rng.normal(0, 6)
    returns = {
        attack: np.round(rng.normal(mean + shift, 9, episodes), 1).tolist()
        for attack, mean in zip(ATTACKS, MEANS[method], strict=True)
    }
    greedy = {"ce@4": [value + 8.0 for value in returns["ce@4"]]}
    worst = float(np.mean(returns["ce@4"]))
    name = f"{method}-{number}"
    return report(name, returns, greedy, random_policy=(20.0, 22.0, 24.0), method=method, worst=worst)
