"""Reports of several runs become one cell, by hand."""

from pathlib import Path

import pytest

from saddlepoint.schemas.reports import Cell, RobustnessReport
from tests.evaluation.sample_report import sample_report
from trainer.reproduce.models import Model
from trainer.reproduce.results import GREEDY, Results
from trainer.reproduce.study import Study
from trainer.reproduce.table import make_table

STUDY = Study(games=("g",), methods=("atpa",), seeds=3, environment_seeds=1, episodes=2)


def report_of(**returns: list[float]) -> RobustnessReport:
    """A report with these cells; `greedy` is that of `ce` with greedy actions."""
    sample = sample_report()

    def cell(attack: str, values: list[float], epsilon: float = 4.0) -> Cell:
        return sample.cells[0].model_copy(update={"attack": attack, "returns": values, "epsilon": epsilon})

    return sample.model_copy(
        update={
            "cells": [cell(name, values) for name, values in returns.items() if name != "greedy"],
            "greedy_cells": [cell("ce", returns["greedy"])] if "greedy" in returns else [],
            "policy": {"lineage": {"steps": 4096}},
        }
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Three runs, the last of which has no report yet."""
    for seed, values in enumerate(([1.0, 3.0], [4.0, 8.0])):
        model = Model(tmp_path, "g", "atpa", seed)
        model.folder.mkdir(parents=True)
        model.put_report("table", report_of(ce=values, none=[9.0, 9.0], greedy=[0.0, 0.0]))
    model.put_report("epsilons", report_of(ce=[5.0, 5.0]))
    return tmp_path


def results(root: Path) -> Results:
    return Results.of(STUDY, root, "g", "atpa")


def test_a_cell_is_the_mean_of_runs_with_an_interval_over_them(root: Path) -> None:
    found = results(root).pooled("ce")
    assert found is not None
    half = 12.706204736432095 * 8.0**0.5 / 2.0**0.5  # means 2 and 6: deviation sqrt(8); t of one degree
    assert found.mean == 4.0
    assert found.ci95 == pytest.approx((4.0 - half, 4.0 + half))


def test_greedy_cells_are_a_row_of_their_own(root: Path) -> None:
    assert results(root).returns(GREEDY) == [[0.0, 0.0], [0.0, 0.0]]
    assert results(root).pooled("max") is None


def test_figure_3_begins_with_the_clean_return_and_takes_the_tables_own_ball_in(root: Path) -> None:
    sweep = results(root).epsilons[0]
    other = sweep.model_copy(update={"cells": [sweep.cells[0].model_copy(update={"epsilon": 2.0})]})
    Model(root, "g", "atpa", 1).put_report("epsilons", other)
    means = [(epsilon, found.mean) for epsilon, found in results(root).by_epsilon(4.0)]
    assert means == [(0.0, 9.0), (2.0, 5.0), (4.0, 4.0)]


def test_the_table_says_how_many_runs_there_are_and_how_long_they_were_trained(root: Path) -> None:
    lines = make_table(STUDY, root).splitlines()
    assert "| ce | 4.00 [−21.41, 29.41] (2 of 3 runs) | – |" in lines
    assert "| none | 9.00 [9.00, 9.00] (2 of 3 runs) | – |" in lines
    assert "| max | missing | – |" in lines
    assert "| trained steps | 4,096 | – |" in lines
