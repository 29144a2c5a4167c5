"""What an episode leaves behind while it is played, in a corridor whose numbers can be told by hand."""

from collections.abc import Sequence

import numpy as np
import pytest

from saddlepoint.evaluation.acting import Networks
from saddlepoint.evaluation.lanes import Episode
from saddlepoint.evaluation.recorder import Recorder, _Highlights
from saddlepoint.evaluation.shards import play
from saddlepoint.evaluation.traces import MOMENTS, Moment, Trace, traced
from saddlepoint.schemas.plans import EpisodeId, EpisodeResult, Plan
from tests.attacks.toys import attack
from tests.evaluation.corridor import DISTANCE, Corridor, honest_policy, length_of
from tests.evaluation.plans import cell, plan

CE = attack("ce", epsilon=0.5)
KEPT = {"seed": 3, "episode": 0}


def played(planned: Plan, groups: int = 1) -> dict[str, tuple[EpisodeResult, Trace]]:
    """The traces by the key of their cell, each kept right before its result is put."""
    traces: dict[str, tuple[EpisodeResult, Trace]] = {}
    results: list[EpisodeResult] = []

    def keep(result: EpisodeResult, trace: Trace) -> None:
        assert result not in results
        traces[result.cell_key] = (result, trace)

    (shard,), policy = planned.shards, honest_policy()
    play(
        planned,
        shard,
        Networks(policy, policy),
        [Corridor(shard.lanes) for _ in range(groups)],
        finished=lambda *_: False,
        put=results.append,
        heartbeat=lambda _: None,
        keep=keep,
    )
    assert len(results) == len(shard.entries)
    return traces


def two_cells(seeds: Sequence[int] = (3, 4)) -> Plan:
    cells = [cell(0), cell(1, CE), cell(2, role="random_policy"), cell(3, CE, role="greedy")]
    entries = [(each.index, seed, episode) for seed in seeds for episode in range(2) for each in cells]
    return plan(cells, [*entries, (2, 0, 0)], lanes=16)


def test_the_first_episode_of_the_first_seed_is_traced_under_each_attack() -> None:
    assert traced(two_cells()) == {EpisodeId(0, 3, 0), EpisodeId(1, 3, 0)}
    assert set(played(two_cells())) == {"key-0", "key-1"}


def test_a_trace_says_what_was_done_and_earned_at_every_step() -> None:
    traces = played(two_cells())
    length = length_of(3, 0)
    for key, reward in (("key-0", 1.0), ("key-1", -1.0)):
        result, trace = traces[key]
        assert trace.rewards.tolist() == [reward] * length
        assert result.episode_return == reward * length
        assert trace.observations is not None
        right = (trace.observations[:, 0] < 0) == (trace.actions == 1)
        assert right.tolist() == [reward > 0] * length


def test_a_trace_has_the_measures_that_sum_to_the_results() -> None:
    traces = played(two_cells())
    clean, attacked = traces["key-0"][1], traces["key-1"][1]
    assert not any(values.any() for values in clean.measures.values())
    assert attacked.measures["flips"].tolist() == [1.0] * length_of(3, 0)
    assert attacked.measures["kl"].sum() == pytest.approx(traces["key-1"][0].kl_sum, rel=1e-12)


def test_a_moment_shows_both_observations_and_what_the_policy_says_of_each() -> None:
    p = 1 / (1 + np.exp(-10 * DISTANCE))
    for moment in played(two_cells())["key-1"][1].moments:
        sign = np.sign(moment.seen[0])
        assert moment.seen.tolist() == [sign * DISTANCE]
        assert moment.given.tolist() == [-sign * DISTANCE]  # a step of 0.5 from anywhere ends at the ball's edge
        likely = 0 if sign > 0 else 1
        assert moment.without[likely] == pytest.approx(p, rel=1e-6)
        assert moment.under[likely] == pytest.approx(1 - p, rel=1e-6)
        assert (int(moment.action_without), int(moment.action)) == (likely, 1 - likely)


def test_the_action_without_the_attack_is_drawn_with_the_same_chance() -> None:
    """Where the attack is too weak to change anything that is drawn, both actions are the same at every step."""
    weak = attack("ce", epsilon=1e-6, step_size=1e-6)
    cells = [cell(0, mode="sample"), cell(1, weak, mode="sample")]
    traces = played(plan(cells, [(each.index, 3, 0) for each in cells]))
    assert traces["key-1"][1].actions.tolist() == traces["key-0"][1].actions.tolist()
    assert all(int(m.action_without) == int(m.action) for m in traces["key-1"][1].moments)


def test_groups_of_lanes_leave_the_same_traces() -> None:
    planned = two_cells(seeds=range(3, 9))
    one, two = played(planned), played(planned, groups=2)
    assert {key: trace.to_bytes() for key, (_, trace) in one.items()} == {
        key: trace.to_bytes() for key, (_, trace) in two.items()
    }


def test_a_trace_comes_back_from_its_bytes() -> None:
    for _, trace in played(two_cells()).values():
        again = Trace.from_bytes(trace.to_bytes())
        assert again.to_bytes() == trace.to_bytes()
        assert again.actions.dtype == trace.actions.dtype
        assert len(again.moments) == len(trace.moments)


@pytest.mark.parametrize("steps", [1, 5, 6, 7, 100, 1785, 27_000])
def test_highlights_are_the_best_of_equal_parts_however_long_the_episode_is(steps: int) -> None:
    highlights = _Highlights()
    for step in range(steps):
        highlights.offer(step, (0.0, float(step * 7919 % 1009)), lambda step=step: _moment(step))  # type: ignore[misc]
    chosen = [moment.step for moment in highlights.spread(steps)]
    assert chosen == sorted(chosen)
    assert [step * MOMENTS // steps for step in chosen] == sorted({s * MOMENTS // steps for s in range(steps)})
    best = max(range(steps), key=lambda step: (step * 7919 % 1009, -step))
    assert best in chosen


def test_a_change_of_the_likeliest_action_ranks_above_any_distance() -> None:
    highlights = _Highlights()
    for step, rank in enumerate([(0.0, 9.0), (1.0, 0.1), (0.0, 8.0), *[(0.0, 0.5)] * 15]):
        highlights.offer(step, rank, lambda step=step: _moment(step))  # type: ignore[misc]
    assert highlights.spread(18)[0].step == 1


def _moment(step: int) -> Moment:
    nothing = np.zeros(1, np.float32)
    return Moment(step, nothing, nothing, nothing, nothing, nothing, nothing)


@pytest.mark.parametrize(
    ("shape", "kept"),
    [((64,), (True, True)), ((65,), (False, True)), ((4, 84, 84), (False, True)), ((3, 1024, 1024), (False, False))],
)
def test_what_is_too_large_is_not_kept(shape: tuple[int, ...], kept: tuple[bool, bool]) -> None:
    recorder = Recorder(Episode(0, EpisodeId(0, 0, 0), cell(0)), shape)
    assert (recorder._keeps_entries, recorder._keeps_frames) == kept
