"""An extension plays what its parent has not."""

from typing import Any

from saddlepoint.schemas import keys
from saddlepoint.schemas.extensions import ExtensionSpec, extended
from saddlepoint.schemas.plans import EpisodeResult, Plan, Shard
from saddlepoint.schemas.reports import RobustnessReport
from saddlepoint.store import get_record
from saddlepoint.submission import submit_evaluation
from tests.worker.world import make_engine, make_record, plan_of, play
from worker.context import Context
from worker.finishing import finish_evaluation
from worker.shards import run_shard


class Counting:
    """Plays, and remembers what was played: label of the cell, seed, episode."""

    def __init__(self) -> None:
        self.played: list[tuple[str, int, int]] = []

    def __call__(self, plan: Plan, shard: Shard, model: bytes, *, put: Any, **rest: Any) -> None:
        labels = {cell.key: cell.label for cell in plan.cells}

        def counted(result: EpisodeResult) -> None:
            self.played.append((labels[result.cell_key], result.seed, result.episode))
            put(result)

        play(plan, shard, model, put=counted, **rest)


def run(context: Context, evaluation_id: str, plan: Plan) -> list[tuple[str, int, int]]:
    playing = Counting()
    for shard in plan.shards:
        run_shard(context, make_engine(playing), evaluation_id, shard.index)
    finish_evaluation(context, make_engine(), evaluation_id)
    return sorted(playing.played)


def test_only_what_is_missing_is_played(context: Context) -> None:
    record = make_record()
    plan = plan_of(record)
    submit_evaluation(context.store, context.queue, record, plan)
    assert len(run(context, record.id, plan)) == 17

    more = ExtensionSpec.model_validate({"seeds": [9], "episodes_per_seed": 3, "epsilon": 8, "attacks": ["max"]})
    update = {"id": "larger", "spec": extended(record.spec, more), "parent": record.id, "lanes": plan.shards[0].lanes}
    larger = record.model_copy(update=update)
    extension = plan_of(larger)
    submit_evaluation(context.store, context.queue, larger, extension)
    played = run(context, "larger", extension)

    old = {(label, seed, episode) for label in ("none", "random@4") for seed in range(3) for episode in range(2)}
    cells = ("none", "random@4", "random@8", "max@4", "max@8")
    every = {(label, seed, episode) for label in cells for seed in (0, 1, 2, 9) for episode in range(3)}
    assert played == sorted(every - old)
    report = get_record(context.store, keys.evaluation_report("larger", "json"), RobustnessReport)
    assert [cell.episodes for cell in report.cells] == [12] * 5
