"""The bookkeeping of lanes, on hand-made steps."""

import numpy as np
import pytest

from saddlepoint.envs.clock import LaneClock, shortest

ONES = np.ones(3)
NEVER = np.zeros(3, dtype=np.bool_)
ALWAYS = np.ones(3, dtype=np.bool_)


def test_an_idle_lane_earns_and_ends_nothing() -> None:
    clock = LaneClock(3, limit=1)
    clock.start([1])
    step = clock.advance(ONES, ALWAYS, NEVER)
    assert step.rewards.tolist() == [0.0, 1.0, 0.0]
    assert step.terminated.tolist() == [False, True, False]
    assert step.truncated.tolist() == [False, False, False]


def test_a_lane_is_cut_at_the_limit_of_its_own_episode() -> None:
    clock = LaneClock(3, limit=2)
    clock.start([0])
    assert clock.advance(ONES, NEVER, NEVER).truncated.tolist() == [False, False, False]
    clock.start([2])
    assert clock.advance(ONES, NEVER, NEVER).truncated.tolist() == [True, False, False]
    assert clock.advance(ONES, NEVER, NEVER).truncated.tolist() == [False, False, True]
    assert clock.playing.tolist() == [False, False, False]


def test_an_end_at_the_limit_is_the_environments_own() -> None:
    clock = LaneClock(3, limit=1)
    clock.start([0, 1, 2])
    step = clock.advance(ONES, ALWAYS, ALWAYS)
    assert step.terminated.tolist() == [True, True, True]
    assert step.truncated.tolist() == [False, False, False]


def test_a_lane_that_starts_again_counts_from_nothing() -> None:
    clock = LaneClock(3, limit=2)
    clock.start([0])
    clock.advance(ONES, NEVER, NEVER)
    clock.start([0])
    assert not clock.advance(ONES, NEVER, NEVER).truncated[0]


def test_without_a_limit_nothing_is_cut() -> None:
    clock = LaneClock(3, limit=None)
    clock.start([0, 1, 2])
    assert not clock.advance(ONES, NEVER, NEVER).truncated.any()


@pytest.mark.parametrize(("limits", "expected"), [((None, None), None), ((5, None), 5), ((None, 7), 7), ((5, 3), 3)])
def test_the_tightest_limit_holds(limits: tuple[int | None, ...], expected: int | None) -> None:
    assert expected == shortest(*limits)
