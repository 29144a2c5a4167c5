"""When the attacker acts, and what follows from it in whole episodes."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from saddlepoint.attacks.rows import Rows, uniform_rows
from saddlepoint.evaluation.lanes import Episode
from saddlepoint.evaluation.timing import acts_now
from saddlepoint.schemas.attacks import Always, Every, Fraction, PreferenceGap, ValueAbove, WhenRule
from saddlepoint.schemas.plans import EpisodeId, EpisodeResult
from tests.attacks.toys import attack
from tests.evaluation.corridor import DISTANCE
from tests.evaluation.plans import cell, plan
from tests.evaluation.test_shards import entries, play_corridor


def lane(length: int, seed: int = 0, episode: int = 0) -> Episode:
    return Episode(lane=0, entry=EpisodeId(0, seed, episode), cell=cell(0), length=length)


def never_asked() -> tuple[Tensor | None, Tensor | None]:
    raise AssertionError("the policy was asked in vain")


def acting(rule: WhenRule, episodes: Sequence[Episode | None], values: Tensor | None = None) -> list[bool]:
    found = acts_now(
        [rule] * len(episodes), episodes, (lambda: (values, values)) if values is not None else never_asked
    )
    return [bool(acts) for acts in found]


def test_always_asks_nothing() -> None:
    assert acting(Always(), [lane(3), None]) == [True, True]
    assert uniform_rows(cell(0).attack, 2).rules == []


def test_rows_have_rules_where_any_is_not_always_attacked() -> None:
    every = Every(kind="every", every=3)
    attacks = [cell(0).attack, cell(0).attack.model_copy(update={"when": every})]
    assert Rows.of(attacks).rules == [Always(), every]


def test_every_third_step_begins_with_the_first() -> None:
    rule = Every(kind="every", every=3)
    assert acting(rule, [lane(step) for step in range(7)]) == [True, False, False, True, False, False, True]


def test_a_fraction_is_drawn_for_every_step_of_every_episode() -> None:
    rule = Fraction(kind="fraction", fraction=0.25)
    steps = [lane(step, seed) for seed in range(20) for step in range(100)]
    drawn = acting(rule, steps)
    assert sum(drawn) / len(drawn) == pytest.approx(0.25, abs=0.03)
    assert drawn == acting(rule, steps)
    assert drawn[:100] != drawn[100:200]


def test_thresholds_are_exclusive() -> None:
    values = torch.tensor([0.4, 0.5, 0.6])
    for rule in (ValueAbove(kind="value_above", threshold=0.5), PreferenceGap(kind="preference_gap", threshold=0.5)):
        assert acting(rule, [lane(0)] * 3, values) == [False, False, True]


def test_an_idle_lane_is_in_nobodys_way() -> None:
    assert acting(Every(kind="every", every=2), [None, lane(1)]) == [True, False]


def results(rule: WhenRule) -> list[EpisodeResult]:
    cells = [cell(0, attack("ce", epsilon=2 * DISTANCE).model_copy(update={"when": rule}))]
    return list(play_corridor(plan(cells, entries(cells))).values())


def test_steps_that_are_left_alone_are_clean_and_not_counted() -> None:
    for result in results(Every(kind="every", every=2)):
        attacked = (result.length + 1) // 2
        assert result.attacked_steps == result.flips == attacked
        assert result.episode_return == result.length - 2 * attacked


def test_a_value_decides_where_the_policy_has_one() -> None:
    """The toy values an observation by its first number, which is positive at every other step."""
    for result in results(ValueAbove(kind="value_above", threshold=0.0)):
        assert result.attacked_steps in (result.length // 2, (result.length + 1) // 2)


def test_a_gap_too_small_for_the_rule_means_no_attack() -> None:
    assert all(r.attacked_steps == 0 for r in results(PreferenceGap(kind="preference_gap", threshold=0.95)))
    assert all(r.attacked_steps == r.length for r in results(PreferenceGap(kind="preference_gap", threshold=0.8)))
