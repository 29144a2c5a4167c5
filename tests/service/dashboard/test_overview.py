"""What goes on and what ended, told apart without reading any of it."""

from service.dashboard.overview import MOST_RECENT, MOST_RUNNING, divide


def test_running_and_recent_are_told_apart_newest_first() -> None:
    jobs = divide(["e", "d", "c", "b", "a"], {"d", "a", "somebody else's"})
    assert (jobs.running, jobs.running_in_all, jobs.recent) == (["d", "a"], 2, ["e", "c", "b"])


def test_only_some_of_many_are_shown() -> None:
    many = [str(number) for number in range(1000)]
    jobs = divide(many, frozenset(many[:500]))
    assert (jobs.running, jobs.running_in_all) == (many[:MOST_RUNNING], 500)
    assert jobs.recent == many[500 : 500 + MOST_RECENT]
