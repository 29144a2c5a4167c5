"""Ticks of a figure."""

import pytest

from saddlepoint.evaluation.formatting import nice_ticks, tick_decimals


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
