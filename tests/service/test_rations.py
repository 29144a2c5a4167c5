"""How many refusals are noted."""

from service.rations import OF_ALL, OF_ONE, WINDOW_S, Ration


def test_the_first_of_each_source_are_noted_and_the_rest_is_counted() -> None:
    now = [0.0]
    ration = Ration(lambda: now[0])
    assert [ration.spend("a") for _ in range(OF_ONE + 5)] == [0] * OF_ONE + [None] * 5
    assert [ration.spend("b"), ration.spend("b")] == [5, 0]
    now[0] = WINDOW_S
    assert ration.spend("a") == 0


def test_many_sources_together_are_bounded_in_events_and_memory() -> None:
    ration = Ration(lambda: 0.0)
    noted = [ration.spend(str(number)) for number in range(10_000)]
    assert noted.count(0) == OF_ALL
    assert len(ration._noted) == OF_ALL
