"""The episodes of a report as comma-separated values."""

import csv
import io

from saddlepoint.formats.csv import to_csv
from tests.evaluation.sample_report import sample_report


def test_every_episode_is_a_row_with_all_its_digits() -> None:
    report = sample_report(seeds=2, per_seed=2)
    cell = report.cells[0].model_copy(update={"returns": [0.1 + 0.2, -1e-9, 3.0, 4.0]})
    report = report.model_copy(update={"cells": [cell, *report.cells[1:]]})
    rows = list(csv.DictReader(io.StringIO(to_csv(report))))
    assert len(rows) == 4 * (len(report.cells) + len(report.greedy_cells))
    assert [float(row["return"]) for row in rows[:4]] == cell.returns
    assert rows[3] | {"length": ""} == {
        "attack": "none",
        "label": "none",
        "epsilon": "0.0",
        "action_mode": "sample",
        "seed": "1",
        "episode": "1",
        "return": "4.0",
        "length": "",
    }


def test_a_label_may_hold_whatever_it_likes() -> None:
    report = sample_report()
    label = 'a,"b"\nc'
    cell = report.cells[0].model_copy(update={"label": label})
    (first, *_) = csv.DictReader(io.StringIO(to_csv(report.model_copy(update={"cells": [cell]}))))
    assert first["label"] == label
