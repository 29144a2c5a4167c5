"""From reports of several methods to their comparison, on toys that can be worked out by hand."""

import pytest

from saddlepoint.errors import NotComparable
from tests.evaluation.sample_comparison import compared, report
from tests.evaluation.sample_groups import grouped, sample_groups

FLAT = {"none": [10.0, 12.0, 14.0], "ce@4": [2.0, 4.0, 6.0]}
BETTER = {"none": [9.0, 11.0, 13.0], "ce@4": [6.0, 8.0, 10.0]}
BEST = {"none": [11.0, 13.0, 15.0], "ce@4": [10.0, 12.0, 14.0]}


def test_a_cell_holds_every_method_in_order_and_differences_from_the_first() -> None:
    found = grouped({"a": [report("a", FLAT)], "b": [report("b", BETTER)], "c": [report("c", BEST)]})
    ce = found.cells[1]
    assert [group.title for group in found.groups] == ["a", "b", "c"]
    assert [score.mean for score in ce.scores] == [4.0, 8.0, 12.0]
    assert [score.difference for score in ce.scores] == [None, 4.0, 8.0]
    assert ce.scores[1].difference_ci95 == (4.0, 4.0)
    assert [score.sign for score in ce.scores] == [0, 1, 1]
    assert found.paired == [None, "episodes", "episodes"]


def test_a_pair_of_groups_has_the_numbers_of_a_comparison_of_two() -> None:
    baseline, candidate = [report("a", FLAT)], [report("b", BETTER), report("c", BEST)]
    two, groups = compared(baseline, candidate), grouped({"a": baseline, "b": candidate})
    for pair, cell in zip(two.cells, groups.cells, strict=True):
        assert cell.scores[0].mean == pair.baseline.mean
        assert (cell.scores[1].mean, cell.scores[1].ci95) == (pair.candidate.mean, pair.candidate.ci95)
        assert (cell.scores[1].difference_ci95, cell.scores[1].kept) == (pair.difference_ci95, pair.candidate.kept)
        assert cell.scores[1].difference_method == pair.difference_method == "Welch's t over 2 runs and 3 episodes"


def test_runs_are_pooled_and_the_best_and_the_worst_are_named() -> None:
    found = grouped({"a": [report("a", FLAT)], "b": [report("b", BETTER), report("c", BEST)]})
    score = found.cells[1].scores[1]
    assert score.best_run is not None
    assert score.worst_run is not None
    assert (score.best_run.evaluation_id, score.worst_run.evaluation_id) == ("c", "b")
    assert score.method == "t over 2 runs"


def test_worst_cases_are_pooled_over_runs_by_what_each_report_held_out() -> None:
    runs = [report(name, FLAT, worst=worst) for name, worst in (("b", 3.0), ("c", 5.0))]
    found = grouped({"a": [report("a", FLAT, worst=2.0)], "b": runs})
    alone, pooled = found.worst_cases
    assert (alone.mean, alone.ci95, alone.difference) == (2.0, (1.0, 3.0), None)
    assert (pooled.mean, pooled.difference, pooled.method) == (4.0, 2.0, "t over 2 runs")
    assert pooled.ci95 == pytest.approx((4 - 12.706, 4 + 12.706), abs=1e-3)
    assert pooled.difference_ci95 is None


def test_without_attacks_there_is_no_worst_case() -> None:
    found = grouped({"a": [report("a", FLAT, worst=1.0)], "b": [report("b", FLAT)]})
    assert found.worst_cases == []
    assert "nothing can be said" in found.verdict


def test_the_verdict_names_the_highest_worst_case_and_the_next() -> None:
    means = {"standard": 10.0, "atpa": 90.0, "radial": 50.0}
    found = grouped({name: [report(name, FLAT, worst=worst)] for name, worst in means.items()})
    assert found.verdict == (
        "Of 3 methods atpa has the highest worst case, 90.0 (95% interval 89.0 to 91.0), before radial with 50.0 (95% "
        "interval 49.0 to 51.0)."
    )


def test_a_verdict_says_where_intervals_overlap() -> None:
    found = grouped({name: [report(name, FLAT, worst=worst)] for name, worst in (("a", 10.0), ("b", 11.0))})
    assert found.verdict.endswith("; their intervals do not tell the two apart.")


def test_few_and_single_runs_and_many_differences_are_pointed_at() -> None:
    told = " ".join(sample_groups(runs=2).warnings)
    assert "rest on as few as 2 of them" in told
    assert "There are 8 differences from standard" in told
    assert "one training run" not in told
    assert "Of a, b there is one training run" in " ".join(
        grouped({name: [report(name, FLAT)] for name in ("a", "b")}).warnings
    )


def test_greedy_cells_are_compared_too() -> None:
    (greedy,) = sample_groups().greedy_cells
    assert (greedy.title, greedy.action_mode, len(greedy.scores)) == ("ce@4", "greedy", 3)


def test_reports_with_other_cells_are_refused() -> None:
    with pytest.raises(NotComparable, match="Evaluate all with one specification"):
        grouped({"a": [report("a", FLAT)], "b": [report("b", FLAT)], "c": [report("c", {"none": [1.0, 2.0, 3.0]})]})
