"""A report as Markdown."""

from saddlepoint.formats.markdown import escaped, to_markdown
from saddlepoint.schemas.gates import Thresholds, decide
from tests.evaluation.sample_report import sample_report

HOSTILE = "<img src=x>|`*_[a](b)\n# no heading"


def test_it_leads_with_the_verdict_and_has_a_row_a_cell() -> None:
    report = sample_report(epsilons=(1.0, 4.0))
    lines = to_markdown(report).splitlines()
    assert lines[0] == "# boxing-standard-2m on BoxingNoFrameskip-v4"
    assert lines[2].startswith("**Under its worst attack (ce, epsilon 4)")
    rows = [line for line in lines if line.startswith("|")]
    assert len(rows) == 2 + len(report.cells) + len(report.greedy_cells) + 1
    assert {row.count("|") for row in rows} == {11}
    assert rows[-1].startswith("| random policy | – | 0.80 |")


def test_numbers_have_their_intervals_and_a_true_minus_sign() -> None:
    report = sample_report()
    cell = report.cells[-1].model_copy(
        update={"mean": -12.25, "ci95": (-20.5, -4.0), "normalized": -0.181, "normalized_ci95": (-0.3, 0.1)}
    )
    text = to_markdown(report.model_copy(update={"cells": [*report.cells[:-1], cell]}))
    assert "| ce | 4 | −12.25 [−20.50, −4.00] | −18.1% [−30.0%, 10.0%] |" in text


def test_a_gate_is_told_check_by_check() -> None:
    report = sample_report()
    text = to_markdown(report, decide(report, Thresholds(min_normalized=0.99)))
    assert "Gate **failed**:" in text
    assert "- **failed**: The normalised worst case" in text
    assert "- passed: At every epsilon an attack worked as one." in text
    assert "Gate" not in to_markdown(report)


def test_names_cannot_leave_their_place() -> None:
    report = sample_report()
    cells = [cell.model_copy(update={"label": HOSTILE}) for cell in report.cells]
    text = to_markdown(
        report.model_copy(
            update={"policy": {"name": HOSTILE}, "verdict": HOSTILE, "warnings": [HOSTILE], "cells": cells}
        )
    )
    assert "<img" not in text.replace("\\<img", "")
    assert "\n# no heading" not in text
    assert {line.replace("\\|", "").count("|") for line in text.splitlines() if line.startswith("|")} == {11}


def test_what_markdown_reads_is_taken_literally() -> None:
    assert escaped("a_b | *c*\n<d>") == "a\\_b \\| \\*c\\* \\<d\\>"


def test_the_command_that_makes_it_again_is_there() -> None:
    assert "\n```sh\nsaddlepoint evaluate POLICY_FILE --env BoxingNoFrameskip-v4 " in to_markdown(sample_report())
