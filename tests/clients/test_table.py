"""A table as a terminal and as a notebook show it."""

import pytest

from clients.table import Table
from clients.tables import evaluation_table, report_table
from clients.watched import Training
from saddlepoint.errors import UnsafePickle
from saddlepoint.schemas.problems import problem_of
from tests.clients import fakes
from tests.clients.trainings import TRAINING, training

TABLE = Table(("name", "n"), [["<b>", "7"]], right=frozenset({1}), notes=["a & b"])


def test_a_terminal_gets_columns_and_the_notes_below() -> None:
    assert Table(("name", "n"), [["x", "107"]], right=frozenset({1}), notes=["so"]).text().splitlines() == [
        "name    n",
        "----  ---",
        "x     107",
        "",
        "so",
    ]


@pytest.mark.parametrize(
    ("width", "shown"),
    [(None, "a  b  c"), (7, "a  b  c"), (6, "a  b"), (3, "b"), (0, "b")],
)
def test_a_narrow_terminal_does_without_spare_columns(width: int | None, shown: str) -> None:
    table = Table(("a", "b", "c"), [["1", "2", "3"]], spare=(2, 0))
    assert table.text(width).splitlines()[0] == shown


def test_a_report_fits_into_eighty_columns_and_keeps_what_matters() -> None:
    lines = report_table(fakes.report()).text(80).splitlines()
    assert max(map(len, lines)) <= 80
    assert {"mean", "interval", "normalized", "flips"} <= set(lines[0].split())
    assert "IQM" not in lines[0]


def test_a_notebook_gets_text_that_cannot_be_markup() -> None:
    html = TABLE.html()
    assert "&lt;b&gt;" in html
    assert "<div>a &amp; b</div>" in html
    assert "<b>" not in html
    assert "script" not in html


def test_numbers_are_aligned_to_the_right() -> None:
    assert '<td style="text-align:right;' in TABLE.html()
    assert TABLE.html().count("text-align:right") == 2


def test_a_report_has_a_row_a_cell_in_a_notebook_too() -> None:
    assert report_table(fakes.report()).html().count("<tr>") == 3


def test_an_evaluation_shows_its_finished_cells_how_far_it_is_and_why_it_failed() -> None:
    failed = fakes.evaluation("failed", 5, error=problem_of(UnsafePickle("The file carries code.")))
    table = evaluation_table(failed.model_copy(update={"cells": [fakes.cell("ce", epsilon=4.0)]}))
    assert [row[0] for row in table.rows] == ["ce (sample)"]
    assert table.notes == [f"Evaluation {fakes.EVALUATION} is failed: 5 of 10 episodes.", "The file carries code."]
    assert failed._repr_html_().endswith("<div>The file carries code.</div>")


def test_a_training_shows_its_method_and_how_far_it_is() -> None:
    state: Training = training("processing", (1.0, 2.0))
    assert f"Training {TRAINING}" in state._repr_html_()
    assert "20 of 100" in state._repr_html_()
