"""From a training to its report, on curves that can be worked out by hand."""

import pytest

from saddlepoint.evaluation.training_report import training_s
from tests.evaluation.sample_training import compared_training, curve, sample_training, training_record


def test_the_report_holds_what_trained_and_what_came_of_it() -> None:
    report = sample_training()
    assert (report.steps, report.training_s) == (40_960, 40.0)
    assert (report.config.epsilon, report.config.attack_steps) == (0.2, 7)
    assert report.acts_on == "attacked observations"
    assert report.policy["lineage"]["parent"] == training_record().spec.policy_id
    assert report.versions == {"saddlepoint": "0.1.0", "torch": "2.13.0+cpu"}


def test_the_verdict_without_a_comparison_is_of_the_curve() -> None:
    assert sample_training().verdict == (
        "ATPA trained a policy for 40,960 steps of CartPole-v1; the return of the policy that acts, on attacked "
        "observations, went from 20.0 to 150.0"
    )


def test_the_verdict_with_one_names_parent_and_child() -> None:
    report = compared_training()
    assert report.comparison is not None
    assert report.verdict.startswith("Under attack what was trained is better in 1, worse in 1 of 2 cells")
    assert "where its parent's is 19.2" in report.verdict
    assert report.warnings == report.comparison.warnings


def test_time_is_that_of_the_updates() -> None:
    assert training_s(curve((1.0, 2.0), steps=2048)) == 4.0
    assert training_s([]) is None
    silent = [point.model_copy(update={"extra": {}}) for point in curve()]
    assert training_s(silent) is None


@pytest.mark.parametrize(
    ("returns", "told"),
    [
        ((20.0, 150.0, 100.0), ""),
        ((20.0, 150.0, 84.0), "ended at 84.0, far below its best of 150.0"),
        ((20.0, 15.0, 10.0), ""),
        ((None, None), "No game ended"),
    ],
    ids=["a dip", "a collapse", "nothing was gained", "no game ended"],
)
def test_a_curve_that_collapses_is_pointed_at(returns: tuple[float | None, ...], told: str) -> None:
    warnings = sample_training(curve(returns, is_ramped=False)).warnings
    assert len(warnings) == bool(told)
    assert told in "".join(warnings)


def test_a_return_that_falls_while_the_attack_grows_is_no_collapse() -> None:
    assert sample_training(curve((20.0, 150.0, 84.0, 30.0))).warnings == []
