"""Ticks of a figure, and times."""

import pytest

from saddlepoint.evaluation.formatting import duration, nice_ticks, tick_decimals
from saddlepoint.marked import marked


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (-26.0, 99.0, [-25, 0, 25, 50, 75]),
        (0.0, 1.0, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (9.5, 10.5, [9.6, 9.8, 10, 10.2, 10.4]),
    ],
)
def test_ticks_are_round_and_inside(low: float, high: float, ticks: list[float]) -> None:
    assert nice_ticks(low, high, 6) == pytest.approx(ticks)


def test_tick_labels_show_no_more_decimals_than_they_need() -> None:
    assert tick_decimals([0.0, 0.25, 0.5]) == 2
    assert tick_decimals([0.0, 20.0]) == 0


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.26, "0.3 s"), (45.4, "45 s"), (59.6, "1 min"), (200, "3 min 20 s"), (7_500, "2 h 5 min"), (273_601, "3 d 4 h")],
)
def test_a_time_is_said_in_its_two_largest_units(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_names_between_backticks_are_code_and_all_else_is_escaped() -> None:
    assert marked("the `loss` <b>, and `<i>`") == "the <code>loss</code> &lt;b&gt;, and <code>&lt;i&gt;</code>"
    assert marked("one ` alone") == "one ` alone"
