import pytest

from saddlepoint.errors import InvalidSpec
from saddlepoint.schemas.reports import RobustnessReport
from tests.evaluation.sample_report import sample_report


def with_worst(mean: float, normalized: float | None) -> RobustnessReport:
    report = sample_report()
    assert report.worst_case is not None
    worst = report.worst_case.model_copy(update={"mean": mean, "normalized": normalized})
    return report.model_copy(update={"worst_case": worst})


def test_a_report_survives_its_own_json() -> None:
    report = sample_report()
    assert RobustnessReport.model_validate_json(report.model_dump_json()) == report


def test_a_cell_is_found_by_its_label_and_epsilon() -> None:
    report = sample_report(epsilons=(1.0, 4.0))
    assert report.cell("ce", 4.0).title == "ce@4"
    assert report.cell("none").title == "none"
    with pytest.raises(KeyError, match="ce@1"):
        report.cell("ce", 2.0)


def test_a_label_comes_before_the_kind_of_an_attack_with_another_label() -> None:
    report = sample_report()
    slow = report.cell("ce").model_copy(update={"label": "slow"})
    both = report.model_copy(update={"cells": [slow, *report.cells]})
    assert both.cell("ce").label == "ce"
    assert both.cell("slow") is slow


@pytest.mark.parametrize(
    ("thresholds", "failures"),
    [
        ({"min_normalized": 0.5}, 0),
        ({"min_normalized": 0.6}, 1),
        ({"min_mean": 30.0}, 0),
        ({"min_mean": 30.5}, 1),
        ({"min_normalized": 0.7, "min_mean": 40.0}, 2),
        ({"min_normalized": 0.7, "min_mean": 20.0}, 1),
    ],
)
def test_a_gate_counts_what_falls_short(thresholds: dict[str, float], failures: int) -> None:
    gate = with_worst(30.0, 0.5).gate(**thresholds)
    assert len(gate.failures) == failures
    assert gate.passed == (failures == 0)


def test_a_number_that_is_not_there_passes_no_gate() -> None:
    assert not with_worst(30.0, None).gate(min_normalized=0.0).passed
    assert not sample_report().model_copy(update={"worst_case": None}).gate(min_mean=-1e9).passed


def test_a_gate_without_a_threshold_is_refused() -> None:
    with pytest.raises(InvalidSpec, match="threshold"):
        sample_report().gate()


def test_every_episode_is_a_row() -> None:
    report = sample_report(seeds=2, per_seed=3)
    rows = report.episode_rows()
    assert len(rows) == 6 * (len(report.cells) + len(report.greedy_cells))
    assert [(row["seed"], row["episode"]) for row in rows[:6]] == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    assert [row["return"] for row in rows[:6]] == report.cells[0].returns
    assert rows[-1]["action_mode"] == "greedy"
