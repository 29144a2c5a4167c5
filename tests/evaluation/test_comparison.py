"""From reports to their comparison, on toys that can be worked out by hand."""

import pytest

from saddlepoint.errors import NotComparable
from saddlepoint.schemas.comparisons import ComparisonResult
from tests.evaluation.sample_comparison import compared, report, sample_comparison

PARENT = {"none": [10.0, 12.0, 14.0], "ce@4": [2.0, 4.0, 6.0]}
CHILD = {"none": [9.0, 11.0, 13.0], "ce@4": [6.0, 8.0, 10.0]}


def test_two_policies_are_compared_cell_by_cell() -> None:
    found = compared([report("a", PARENT)], [report("b", CHILD)])
    clean, ce = found.cells
    assert found.paired == "episodes"
    assert (clean.baseline.mean, clean.candidate.mean, clean.difference) == (12.0, 11.0, -1.0)
    assert (ce.title, ce.baseline.mean, ce.candidate.mean, ce.difference) == ("ce@4", 4.0, 8.0, 4.0)
    assert ce.difference_ci95 == (4.0, 4.0)
    assert ce.difference_method == "paired t over 3 episodes"
    assert (ce.baseline.best_run, ce.baseline.worst_run) == (None, None)


def test_what_is_kept_is_of_the_baselines_clean_return_on_both_sides() -> None:
    found = compared([report("a", PARENT, random_policy=[2.0, 2.0])], [report("b", CHILD, random_policy=[2.0, 2.0])])
    clean, ce = found.cells
    assert [cell.baseline.kept for cell in (clean, ce)] == pytest.approx([1.0, 0.2])
    assert [cell.candidate.kept for cell in (clean, ce)] == pytest.approx([0.9, 0.6])


def test_runs_are_pooled_and_the_best_and_the_worst_are_named() -> None:
    better = {"none": [11.0, 13.0, 15.0], "ce@4": [8.0, 10.0, 12.0]}
    found = compared([report("a", PARENT)], [report("b", CHILD), report("c", better)])
    ce = found.cells[1]
    assert found.paired is None
    assert ce.candidate.mean == 9.0
    assert ce.candidate.best_run is not None
    assert ce.candidate.worst_run is not None
    assert (ce.candidate.best_run.evaluation_id, ce.candidate.best_run.mean) == ("c", 10.0)
    assert (ce.candidate.worst_run.policy_id, ce.candidate.worst_run.mean) == ("policy-b", 8.0)
    assert ce.difference_method == "Welch's t over 2 runs and 3 episodes"


def test_children_beside_their_parents_are_paired_in_that_order_only() -> None:
    parents = [report("a", PARENT), report("b", CHILD)]
    children = [report(name, CHILD, method="atpa", parent=f"policy-{of}") for name, of in (("c", "a"), ("d", "b"))]
    assert compared(parents, children).paired == "runs"
    assert compared(parents, children[::-1]).paired is None


def test_a_side_is_called_by_its_method() -> None:
    standard, atpa = report("a", PARENT, method="standard"), report("b", CHILD, method="atpa")
    assert _titles(compared([standard], [atpa])) == ("standard", "atpa")
    assert _titles(compared([report("a", PARENT)], [atpa])) == ("baseline", "atpa")
    other = report("c", CHILD, method="atpa")
    assert _titles(compared([atpa], [other])) == ("atpa (baseline)", "atpa (candidate)")


def _titles(found: ComparisonResult) -> tuple[str, str]:
    return found.baseline.title, found.candidate.title


def test_greedy_cells_are_compared_too() -> None:
    (greedy,) = sample_comparison().greedy_cells
    assert (greedy.title, greedy.action_mode) == ("ce@4", "greedy")
    assert greedy.sign == 1


@pytest.mark.parametrize(
    "other",
    [{"none": [1.0, 2.0, 3.0]}, {"none": [1.0, 2.0, 3.0], "ce@8": [1.0, 2.0, 3.0]}, {"none": [1.0], "ce@4": [1.0]}],
    ids=["fewer attacks", "another epsilon", "other episodes"],
)
def test_reports_with_other_cells_are_refused(other: dict[str, list[float]]) -> None:
    with pytest.raises(NotComparable, match="Evaluate all with one specification"):
        compared([report("a", PARENT)], [report("b", other)])


def test_the_verdict_counts_cells_and_names_the_price() -> None:
    parent, child = PARENT | {"max@4": [5.0, 5.0, 5.0]}, CHILD | {"max@4": [4.0, 5.0, 6.5]}
    assert compared([report("a", parent)], [report("b", child)]).verdict == (
        "Under attack the candidate is better in 1, undecided in 1 of 2 cells, and its lowest mean return is 5.2 where "
        "the baseline's is 4.0; without attack it scores 11.0 against 12.0 (-1.0, 95% interval -1.0 to -1.0)."
    )


def test_a_verdict_without_attacks_says_so() -> None:
    clean = {"none": [1.0, 2.0]}
    assert "nothing can be said" in compared([report("a", clean)], [report("b", clean)]).verdict


def test_a_gain_that_greedy_actions_do_not_have_is_pointed_at() -> None:
    greedy = {"ce@4": [3.0, 3.0, 3.0]}
    found = compared([report("a", PARENT, greedy)], [report("b", CHILD, greedy)])
    assert any("may owe what it gained to chance" in warning for warning in found.warnings)
    both = compared([report("a", PARENT, greedy)], [report("b", CHILD, {"ce@4": [4.0, 4.0, 4.0]})])
    assert not any("chance" in warning for warning in both.warnings)


def test_a_baseline_no_better_than_chance_is_pointed_at() -> None:
    found = compared([report("a", PARENT, random_policy=[20.0, 20.0])], [report("b", CHILD)])
    assert found.cells[1].candidate.kept is None
    assert "no share of its clean return" in found.warnings[0]
