"""The one verdict: by the bound of the interval, only by attacks that worked, and against a baseline."""

from typing import Any

import pytest

from saddlepoint.errors import InvalidSpec
from saddlepoint.schemas.checks import Check, no_regression, unchanged
from saddlepoint.schemas.gates import Gate, Standing, Thresholds, decide, standing
from saddlepoint.schemas.reports import Cell, RobustnessReport, WorstCase
from tests.evaluation.sample_comparison import compared
from tests.evaluation.sample_comparison import report as compared_report
from tests.evaluation.sample_report import sample_report


def with_worst(**fields: Any) -> RobustnessReport:
    """Mean 30 in [26, 34], normalised 0.5 in [0.4, 0.6], 20 below the clean return in [12, 28]."""
    report = sample_report()
    assert report.worst_case is not None
    known = {
        "mean": 30.0,
        "ci95": (26.0, 34.0),
        "normalized": 0.5,
        "normalized_ci95": (0.4, 0.6),
        "difference_to_clean": -20.0,
        "difference_ci95": (-28.0, -12.0),
    }
    worst = report.worst_case.model_copy(update={**known, **fields})
    return report.model_copy(update={"worst_case": worst})


def gate(report: RobustnessReport, **thresholds: float) -> Gate:
    return decide(report, Thresholds(**thresholds))


def check(decided: Gate, name: str) -> Check:
    (found,) = [each for each in decided.checks if each.name == name]
    return found


@pytest.mark.parametrize(
    ("thresholds", "failures"),
    [
        ({"min_normalized": 0.4}, 0),
        ({"min_normalized": 0.45}, 1),
        ({"min_mean": 26.0}, 0),
        ({"min_mean": 30.0}, 1),
        ({"max_drop": 28.0}, 0),
        ({"max_drop": 20.0}, 1),
        ({"min_normalized": 0.7, "min_mean": 40.0, "max_drop": 0.0}, 3),
        ({"min_normalized": 0.7, "min_mean": 20.0}, 1),
    ],
)
def test_a_number_passes_by_the_bad_end_of_its_interval(thresholds: dict[str, float], failures: int) -> None:
    decided = gate(with_worst(), **thresholds)
    assert len(decided.failures) == failures
    assert decided.passed == (failures == 0)


def test_a_check_carries_value_bound_threshold_and_a_sentence() -> None:
    found = check(gate(with_worst(), min_normalized=0.45), "min_normalized")
    assert (found.value, found.bound, found.threshold) == (0.5, 0.4, 0.45)
    assert found.sentence == (
        "The normalised worst case (ce at epsilon 4) is 0.5 and its 95% interval begins at 0.4, below 0.45. "
        "More episodes may settle it."
    )
    found = check(gate(with_worst(), max_drop=30.0), "max_drop")
    assert (found.value, found.bound, found.threshold) == (20.0, 28.0, 30.0)
    assert found.sentence.endswith("ends at 28, not above 30.")


def test_the_sentence_of_a_gate_says_how_it_ended() -> None:
    assert gate(with_worst(), min_mean=1.0).sentence.startswith("Passed: the mean return of the worst case")
    failed = gate(with_worst(), min_mean=50.0, min_normalized=0.9).sentence
    assert failed.startswith("Failed: the normalised worst case")
    assert failed.endswith("(1 more of 3 checks failed.)")


@pytest.mark.parametrize(
    ("fields", "thresholds", "words"),
    [
        ({"normalized_ci95": None}, {"min_normalized": -9.0}, "says nothing: the clean score is too close"),
        ({"ci95": None}, {"min_mean": -9.0}, "says nothing: it takes 4 episodes or more"),
        ({"normalized": None, "normalized_ci95": None}, {"min_normalized": -9.0}, "does not beat a random one"),
    ],
)
def test_what_cannot_be_judged_fails_and_says_why(
    fields: dict[str, Any], thresholds: dict[str, float], words: str
) -> None:
    (failure,) = gate(with_worst(**fields), **thresholds).failures
    assert words in failure


def test_a_worst_case_that_is_no_attack_is_called_so() -> None:
    unhurt = {"difference_to_clean": 0.0, "difference_ci95": (0.0, 0.0)}
    report = with_worst(attack="none", label="none", epsilon=0.0, **unhurt)
    assert check(gate(report, max_drop=1.0), "max_drop").sentence == (
        "The loss of return in the worst case (no attack) is 0 and its 95% interval ends at 0, not above 1."
    )


def test_without_the_clean_return_there_is_nothing_to_lose() -> None:
    report = with_worst(difference_to_clean=None, difference_ci95=None)
    report = report.model_copy(update={"cells": report.cells[1:]})
    (failure,) = gate(report, max_drop=1e9).failures
    assert "add the attack none" in failure


def test_where_nothing_was_attacked_everything_fails() -> None:
    report = sample_report()
    unattacked = report.model_copy(update={"worst_case": None, "cells": report.cells[:1]})
    decided = gate(unattacked, min_mean=-1e9)
    assert [each.passed for each in decided.checks] == [False, False]
    assert "Nothing was attacked" in decided.failures[0]


def changed(report: RobustnessReport, kinds: set[str], **health: Any) -> RobustnessReport:
    """With the health of these attacks' cells changed."""

    def change(cell: Cell) -> Cell:
        if cell.attack not in kinds or cell.health is None:
            return cell
        return cell.model_copy(update={"health": cell.health.model_copy(update=health)})

    return report.model_copy(update={"cells": [change(cell) for cell in report.cells]})


def test_a_policy_passes_no_gate_by_attacks_that_did_not_work() -> None:
    broken = changed(with_worst(), {"ce", "max", "min"}, working=False, flags=["Gradients are zero."])
    (failure,) = gate(broken, min_mean=0.0).failures
    assert failure.startswith("At epsilon 4 no attack worked: max@4: Gradients are zero.")


def test_one_attack_that_worked_is_enough_and_the_others_are_named() -> None:
    broken = changed(with_worst(), {"max", "min"}, working=False)
    decided = gate(broken, min_mean=0.0)
    assert decided.passed
    assert (
        check(decided, "attacks").sentence == "At every epsilon an attack worked as one. Not relied on: max@4, min@4."
    )


def test_an_attack_must_have_worked_at_every_epsilon() -> None:
    report = sample_report(epsilons=(1.0, 4.0))
    cells = [
        cell.model_copy(update={"health": None}) if cell.attack != "random" and cell.epsilon == 4.0 else cell
        for cell in report.cells
    ]
    found = check(gate(report.model_copy(update={"cells": cells}), min_mean=-1e9), "attacks")
    assert not found.passed
    assert "At epsilon 4 no attack worked: max@4: it never acted." in found.sentence


def test_noise_is_no_attack() -> None:
    report = with_worst()
    noise = [cell for cell in report.cells if cell.attack in ("none", "random")]
    (failure,) = gate(report.model_copy(update={"cells": noise}), min_mean=0.0).failures
    assert "Noise is no attack" in failure


def test_a_gate_without_a_threshold_is_refused() -> None:
    with pytest.raises(InvalidSpec, match="min_normalized"):
        decide(sample_report(), Thresholds())


PARENT = {"none": [10.0, 12.0, 9.0, 11.0], "ce@4": [5.0, 6.0, 4.0, 5.5]}


def against_parent(**child: list[float]) -> Check:
    candidate = compared_report("child", {**PARENT, **{name.replace("_", "@"): each for name, each in child.items()}})
    comparison = compared([compared_report("parent", PARENT)], [candidate])
    return check(decide(candidate, Thresholds(), no_regression(candidate, comparison)), "baseline")


def test_a_policy_that_plays_as_before_has_not_regressed() -> None:
    found = against_parent()
    assert (found.passed, found.value, found.bound) == (True, 0.0, 0.0)
    assert "of 2 settings none got worse" in found.sentence.lower()


def test_a_return_that_fell_under_one_attack_fails() -> None:
    found = against_parent(ce_4=[1.0, 2.1, 0.0, 1.5])
    assert not found.passed
    assert found.value == -3.975
    assert found.bound is not None
    assert found.bound < 0
    assert found.sentence.startswith("Under ce@4 the return differs by -3.975 from that of the baseline parent")


def test_a_return_that_fell_without_attack_fails_too() -> None:
    found = against_parent(none=[5.0, 7.0, 4.5, 6.0])
    assert not found.passed
    assert found.sentence.startswith("Without attack the return differs by -4.875")


def test_a_loss_within_the_noise_of_all_settings_together_passes() -> None:
    """Its own interval of -0.42 +- 0.39 lies below 0; widened by 1.14 for two settings it does not."""
    found = against_parent(ce_4=[4.58, 5.28, 3.88, 5.08])
    assert found.passed
    assert found.value == pytest.approx(-0.42)
    assert found.bound == pytest.approx(0.0257, abs=1e-4)


def test_a_single_episode_is_no_evidence_of_anything() -> None:
    one = {"none": [1.0], "ce@4": [1.0]}
    candidate = compared_report("child", one)
    comparison = compared([compared_report("parent", one)], [candidate])
    assert not check(decide(candidate, Thresholds(), no_regression(candidate, comparison)), "baseline").passed


def test_the_baseline_itself_is_no_worse_than_itself() -> None:
    report = with_worst()
    decided = decide(report, Thresholds(), unchanged(report))
    assert decided.passed
    assert report.id in decided.sentence


def test_a_comparison_of_others_is_refused() -> None:
    comparison = compared([compared_report("a", PARENT)], [compared_report("b", PARENT)])
    with pytest.raises(InvalidSpec, match="of others"):
        no_regression(compared_report("c", PARENT), comparison)


@pytest.mark.parametrize(
    ("normalized", "interval", "stands"),
    [
        (0.95, (0.9, 1.0), "holds"),
        (0.95, (0.8, 1.1), "unproven"),
        (0.95, None, "unproven"),
        (0.5, (0.1, 0.9), "weakened"),
        (0.2, None, "loses"),
        (0.1, None, "undone"),
        (None, None, None),
    ],
)
def test_that_a_policy_holds_takes_the_whole_interval(
    normalized: float | None, interval: tuple[float, float] | None, stands: Standing | None
) -> None:
    worst: WorstCase | None = with_worst(normalized=normalized, normalized_ci95=interval).worst_case
    assert worst is not None
    assert standing(worst) == stands
