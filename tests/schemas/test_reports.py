import pytest

from saddlepoint.schemas.reports import RobustnessReport
from tests.evaluation.sample_report import sample_report


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


def test_every_episode_is_a_row() -> None:
    report = sample_report(seeds=2, per_seed=3)
    rows = report.episode_rows()
    assert len(rows) == 6 * (len(report.cells) + len(report.greedy_cells))
    assert [(row["seed"], row["episode"]) for row in rows[:6]] == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    assert [row["return"] for row in rows[:6]] == report.cells[0].returns
    assert rows[-1]["action_mode"] == "greedy"
