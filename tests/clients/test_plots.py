"""The figures, drawn and read back from their axes."""

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from clients import ComparisonReport, Report
from clients.landscape import LandscapeReport
from saddlepoint.errors import InvalidRequest
from tests.clients import fakes
from tests.clients.test_clients import landscape_result
from tests.clients.trainings import training
from tests.evaluation.sample_comparison import sample_comparison

REPORT = Report.model_validate(fakes.report().model_dump())
COMPARISON = ComparisonReport.model_validate(sample_comparison().model_dump())
LANDSCAPE = LandscapeReport.model_validate(landscape_result())
TRAINING = training("succeeded", (1.0, 5.0, 3.0))


@pytest.fixture(autouse=True)
def _no_screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("MPLBACKEND", "Agg")
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


def test_figure_1_has_a_bar_a_cell_its_interval_and_the_random_policy() -> None:
    axes: Any = REPORT.plot()
    assert [bar.get_height() for bar in axes.patches] == [10.0, -2.0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["none", "ce@4"]
    *intervals, random = [list(line.get_ydata()) for line in axes.lines]
    assert intervals == [[9.0, 11.0], [-3.0, -1.0]]
    assert random == [-1.5, -1.5]


def test_figure_3_has_a_line_an_attack_that_begins_unattacked() -> None:
    axes: Any = REPORT.plot_epsilon()
    line, random = axes.lines
    assert (list(line.get_xdata()), list(line.get_ydata())) == ([0.0, 4.0], [10.0, -2.0])
    assert line.get_label() == "ce"
    assert random.get_label() == "random policy"


def test_figure_2_is_the_return_against_steps() -> None:
    axes: Any = TRAINING.plot()
    (line,) = axes.lines
    assert (list(line.get_xdata()), list(line.get_ydata())) == ([10, 20, 30], [1.0, 5.0, 3.0])


def test_a_comparison_has_both_sides_of_each_cell() -> None:
    axes: Any = COMPARISON.plot()
    heights = [bar.get_height() for bar in axes.patches]
    cells = COMPARISON.cells
    assert heights == [cell.baseline.mean for cell in cells] + [cell.candidate.mean for cell in cells]
    assert [text.get_text() for text in axes.get_legend().get_texts()][-2:] == [
        COMPARISON.baseline.title,
        COMPARISON.candidate.title,
    ]


def test_a_landscape_has_a_line_a_policy() -> None:
    assert [line.get_label() for line in LANDSCAPE.plot().lines] == [policy.name for policy in LANDSCAPE.policies]


def test_axes_that_are_given_are_drawn_on() -> None:
    pyplot = pytest.importorskip("matplotlib.pyplot")
    given = pyplot.subplots()[1]
    assert REPORT.plot(given) is given


@pytest.mark.parametrize(
    "draw",
    [REPORT.plot, REPORT.plot_epsilon, COMPARISON.plot, LANDSCAPE.plot, TRAINING.plot],
    ids=lambda draw: draw.__qualname__,
)
def test_without_matplotlib_the_extra_is_named(draw: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(InvalidRequest, match=r"pip install 'saddlepoint\[plots\]'"):
        draw()


@pytest.mark.parametrize(
    "frame",
    [REPORT.to_dataframe, COMPARISON.to_dataframe, LANDSCAPE.to_dataframe],
    ids=lambda frame: frame.__qualname__,
)
def test_without_pandas_the_extra_is_named(frame: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(InvalidRequest, match=r"pip install 'saddlepoint\[plots\]'"):
        frame()


def test_a_dataframe_of_a_comparison_has_a_row_a_cell() -> None:
    frame = COMPARISON.to_dataframe()
    cells = [*COMPARISON.cells, *COMPARISON.greedy_cells]
    assert list(frame["difference"]) == [cell.difference for cell in cells]
    assert list(frame["candidate_mean"]) == [cell.candidate.mean for cell in cells]


def test_a_dataframe_of_a_landscape_has_a_row_a_state() -> None:
    frame = LANDSCAPE.to_dataframe()
    assert list(frame["max_kl"]) == [value for policy in LANDSCAPE.policies for value in policy.max_kl]
