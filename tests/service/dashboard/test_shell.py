"""The frame of every page."""

import pytest

from service.dashboard.shell import is_served, shell_of


@pytest.mark.parametrize(
    ("path", "current"),
    [("/", "Overview"), ("/evaluations", "Evaluations"), ("/evaluations/new", "Evaluations"), ("/evaluationsx", None)],
)
def test_the_place_where_one_is_is_marked(path: str, current: str | None) -> None:
    shell = shell_of(path, is_signed_in=False, has_leaderboard=False)
    assert [place.title for place in shell.places if place.is_current] == ([current] if current else [])


def test_the_leaderboard_is_shown_where_there_is_one() -> None:
    def titles(has_leaderboard: bool) -> set[str]:
        shell = shell_of("/", is_signed_in=True, has_leaderboard=has_leaderboard)
        return {place.title for place in shell.places}

    assert titles(True) - titles(False) == {"Leaderboard"}


def test_what_is_served_is_known_by_its_route() -> None:
    assert is_served("/evaluations/{evaluation_id}")
    assert not is_served("/evaluations/{elsewhere}")
