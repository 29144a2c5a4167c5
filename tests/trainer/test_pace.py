"""Doing something now and then."""

from trainer.pace import Every


def test_it_is_time_once_in_an_interval() -> None:
    moments = iter([0.0, 5.0, 10.0, 11.0, 19.0, 25.0, 26.0])
    due = Every(10.0, clock=lambda: next(moments))
    assert [due() for _ in range(6)] == [False, True, False, False, True, False]


def test_what_failed_is_tried_again_sooner() -> None:
    moments = iter([0.0, 10.0, 10.0, 12.0, 13.0, 22.0, 23.0])
    due = Every(10.0, clock=lambda: next(moments))
    assert due()
    due.again_in(3.0)
    assert [due() for _ in range(4)] == [False, True, False, True]
