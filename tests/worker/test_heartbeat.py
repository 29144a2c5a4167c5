"""What a worker says while it plays."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from saddlepoint.errors import Canceled
from saddlepoint.evaluation.steps import StepsTaken
from saddlepoint.queue import JobQueue, LiveProgress, Observed
from saddlepoint.schemas import keys
from saddlepoint.schemas.plans import EpisodeId
from tests.worker.world import make_context
from worker.context import Context
from worker.heartbeat import Heartbeat


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_progress_is_said_once_a_second(context: Context) -> None:
    clock, beats = Clock(), list[float]()
    heartbeat = Heartbeat(context, "e", 2, alive=lambda: beats.append(clock.now), clock=clock)
    said = []
    for clock.now, steps in [(0.0, 8), (0.5, 16), (0.9, 24), (1.0, 32), (3.0, 40)]:
        heartbeat(StepsTaken(steps))
        said.append(context.queue.progress("e").environment_steps)
    assert said == [8, 8, 8, 32, 40]
    assert beats == [0.0, 1.0, 3.0]
    assert context.queue.progress("e").phase == "processing"


@pytest.mark.parametrize("key", [keys.evaluation_cancel, keys.evaluation_terminal])
def test_an_ended_evaluation_stops_its_workers_within_a_second(context: Context, key: Callable[[str], str]) -> None:
    clock = Clock()
    heartbeat = Heartbeat(context, "e", 0, clock=clock)
    heartbeat(StepsTaken(8))
    context.store.put(key("e"), b"")
    heartbeat(StepsTaken(16))
    clock.now = 1.0
    with pytest.raises(Canceled):
        heartbeat(StepsTaken(24))


def test_what_was_finished_before_counts(context: Context) -> None:
    heartbeat = Heartbeat(context, "e", 0)
    heartbeat.starting([EpisodeId(0, 1, 2), EpisodeId(0, 1, 3)])
    heartbeat.finished(EpisodeId(0, 1, 3), EpisodeId(1, 1, 3))
    assert context.queue.progress("e") == LiveProgress("starting", 3, 0)


def test_redis_being_away_does_not_disturb_the_game(tmp_path: Path) -> None:
    class Counting(JobQueue):
        calls = 0

        def record_steps(self, subject: str, shard: int, steps: int) -> None:
            self.calls += 1
            super().record_steps(subject, shard, steps)

    context = make_context(tmp_path, f"unix://{tmp_path}/nobody")
    queue = Counting.open(f"unix://{tmp_path}/nobody")
    clock = Clock()
    heartbeat = Heartbeat(Context(context.store, queue, context.settings), "e", 0, clock=clock)
    for second in range(25):
        clock.now = float(second)
        heartbeat(StepsTaken(second))
    assert isinstance(queue, Counting)
    assert queue.calls == 0  # each time the phase was tried first, and after a failure nothing for a while


def test_steps_are_counted_once_also_those_after_the_last_beat(context: Context) -> None:
    clock, before = Clock(), _counted(context)
    heartbeat = Heartbeat(context, "e", 0, clock=clock)
    for clock.now, agent, attack in [(0.0, 8, 56), (0.5, 16, 112), (1.0, 24, 168), (1.5, 32, 224)]:
        heartbeat(StepsTaken(agent, Counter({"ce": attack})))
    assert _counted(context) == (before[0] + 24, before[1] + 168)
    heartbeat.count()
    heartbeat.count()
    assert _counted(context) == (before[0] + 32, before[1] + 224)


def _counted(context: Context) -> tuple[float, float]:
    """Steps of agents, and of attackers of the kind `ce`."""
    totals, none = context.queue.totals(), Observed()
    return totals["agent_steps"].get((), none).sum, totals["attack_steps"].get(("ce",), none).sum
