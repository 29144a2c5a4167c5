"""Preparing one item ahead."""

from threading import Event

import pytest

from trainer.ahead import one_ahead


def test_everything_is_prepared_once_and_in_order() -> None:
    prepared: list[int] = []

    def prepare(number: int) -> int:
        prepared.append(number)
        return number * number

    assert list(one_ahead(prepare, range(5))) == [0, 1, 4, 9, 16]
    assert prepared == [0, 1, 2, 3, 4]
    assert list(one_ahead(prepare, [])) == []


def test_the_next_one_is_made_while_the_last_is_in_use() -> None:
    begun = {name: Event() for name in "ab"}

    def prepare(name: str) -> str:
        begun[name].set()
        return name

    names = one_ahead(prepare, "ab")
    assert next(names) == "a"
    assert begun["b"].wait(timeout=10)
    assert list(names) == ["b"]


def test_no_more_than_one_is_made_ahead() -> None:
    taken: list[int] = []

    def numbers() -> object:
        for number in range(4):
            taken.append(number)
            yield number

    made = one_ahead(int, numbers())  # type: ignore[arg-type]
    next(made)
    assert taken == [0, 1]


def test_what_goes_wrong_is_raised_where_it_is_asked_for() -> None:
    halves = one_ahead(lambda number: 1 // number, [1, 0, 1])
    assert next(halves) == 1
    with pytest.raises(ZeroDivisionError):
        next(halves)
