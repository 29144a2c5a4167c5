"""The report as a reader sees it."""

from pathlib import Path

import pytest

from clients.report import Report
from saddlepoint.errors import InvalidRequest
from tests.clients import fakes
from tests.evaluation.sample_report import sample_report

REPORT = Report.model_validate(fakes.report().model_dump())


def test_the_table_has_a_row_a_cell_and_the_verdict() -> None:
    lines = REPORT.table().splitlines()
    assert lines[0].split()[:3] == ["attack", "epsilon", "episodes"]
    assert lines[2].split() == ["none", "0", "2", "10.00", "[9.00,", "11.00]", "10.00", "9.00", "1.00", "-", "-"]
    assert lines[3].split()[:4] == ["ce", "4", "2", "-2.00"]
    assert lines[-1] == "Under ce it loses."


def test_the_greedy_cells_are_marked() -> None:
    greedy = REPORT.model_copy(update={"greedy_cells": [fakes.cell("ce", epsilon=4.0)]})
    assert "ce (greedy)" in greedy.table()


def test_a_dataframe_has_a_row_a_cell() -> None:
    pytest.importorskip("pandas")
    frame = REPORT.to_dataframe()
    assert list(frame["label"]) == ["none", "ce"]
    assert list(frame["mean"]) == [10.0, -2.0]
    assert "returns" not in frame.columns


def test_a_dataframe_of_episodes_has_a_row_an_episode() -> None:
    pytest.importorskip("pandas")
    frame = REPORT.to_dataframe(episodes=True)
    assert list(frame["return"]) == [9.0, 11.0, -3.0, -1.0]


def test_a_report_that_cannot_be_written_is_an_error_of_ours(tmp_path: Path) -> None:
    (tmp_path / "report.json").mkdir()
    with pytest.raises(InvalidRequest, match=r"did not take report\.json"):
        REPORT.save(tmp_path)


def test_a_report_is_held_against_thresholds() -> None:
    decided = Report.model_validate(sample_report().model_dump()).gate(min_normalized=0.99)
    assert not decided.passed
    assert decided.failures[0].startswith("The normalised worst case (ce at epsilon 4) is ")


def test_a_saved_report_has_the_forms_of_people_and_of_programs(tmp_path: Path) -> None:
    REPORT.model_copy().with_html("<title>page</title>").save(tmp_path / "out")
    saved = {path.name: path.read_bytes().decode() for path in (tmp_path / "out").iterdir()}
    assert sorted(saved) == ["badge.svg", "report.csv", "report.html", "report.json", "report.md"]
    assert Report.model_validate_json(saved["report.json"]) == REPORT
    assert saved["report.csv"].count("\r\n") == 1 + 4
    assert saved["report.md"].startswith(f"# Policy {REPORT.policy['id'][:8]}")


def test_without_a_page_there_is_no_page(tmp_path: Path) -> None:
    REPORT.model_copy().save(tmp_path)
    assert not (tmp_path / "report.html").exists()
