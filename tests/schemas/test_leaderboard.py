"""What stands on a leaderboard, and in which order."""

import math
from typing import Any

import pytest

from saddlepoint.schemas.leaderboard import board_of, env_prefix, rank_of, standing_of
from tests.evaluation.sample_comparison import report
from tests.schemas.test_comparisons import setting

LOWER = [1e300, 97.63, 1.5, 1.0, 5e-324, 0.0, -5e-324, -1.0, -1.5, -500.0, -1e300]


def test_ranks_sort_from_the_highest_to_the_lowest_and_those_without_a_number_last() -> None:
    ranks = [*map(rank_of, LOWER), rank_of(None)]
    assert ranks == sorted(ranks)
    assert len(set(ranks)) == len(ranks)


def test_equal_numbers_have_one_rank() -> None:
    assert rank_of(-0.0) == rank_of(0.0) == "7fffffffffffffff"
    assert rank_of(math.nextafter(1.0, 2.0)) < rank_of(1.0)


def test_a_standing_is_what_a_report_says_in_short() -> None:
    found = standing_of(report("a", {"none": [10.0, 12.0], "ce@4": [1.0, 3.0]}, method="atpa", worst=3.0))
    assert (found.evaluation_id, found.policy_id, found.method, found.episodes) == ("a", "policy-a", "atpa", 2)
    assert found.clean is not None
    assert found.worst is not None
    assert (found.clean.mean, found.worst.mean, found.lower_bound) == (11.0, 3.0, 2.0)


def test_without_attack_or_without_an_interval_there_is_no_lower_bound() -> None:
    assert standing_of(report("a", {"ce@4": [1.0]})).lower_bound is None
    assert standing_of(report("a", {"ce@4": [1.0]})).clean is None


@pytest.mark.parametrize("change", [{"seeds": 4}, {"epsilon": 8}, {"precision": "bf16"}, {"env": "ALE/Boxing-v5"}])
def test_what_differs_in_more_than_the_policy_stands_on_another_board(change: dict[str, Any]) -> None:
    assert board_of(setting()).id == board_of(setting(seeds=[2, 1, 0])).id
    assert board_of(setting()).id != board_of(setting(**change)).id


def test_a_board_is_named_after_its_environment_and_tells_its_setting_in_short() -> None:
    board = board_of(setting(env="ALE/Boxing-v5", seeds=list(range(100))))
    assert board.id.startswith(env_prefix("ALE/Boxing-v5"))
    assert board.env == "ALE/Boxing-v5"
    assert board.setting["seeds"] == "100 numbers"
    assert list(board.setting["attacks"]) == ["none", "random@4"]
