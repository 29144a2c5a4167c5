"""A whole evaluation in this process, without store and queue: plan, play, fold."""

from collections import defaultdict
from datetime import UTC, datetime

from saddlepoint.envs.describe import describe
from saddlepoint.evaluation.examining import examine
from saddlepoint.evaluation.fold import fold_report
from saddlepoint.evaluation.shards import play_shard
from saddlepoint.schemas.evaluations import EvaluationRecord, EvaluationSpec, Precision
from saddlepoint.schemas.plans import EpisodeResult, Plan, make_plan
from saddlepoint.schemas.policies import PolicyCard
from saddlepoint.schemas.reports import RobustnessReport


def evaluate(
    model: bytes, card: PolicyCard, spec: EvaluationSpec, *, default_precision: Precision = "fp32"
) -> RobustnessReport:
    """The report on the canonical ONNX `model`: the same numbers as the service's on this machine, but one shard
    after the other in the calling thread, and nothing is kept.

    Raises UnknownEnvironment, UnsupportedEnvironment, InvalidSpec.
    """
    started = datetime.now(UTC)
    record = EvaluationRecord(id="local", owner="local", policy_id=card.id, spec=spec, created_at=started)
    plan = make_plan(record, card, describe(spec.env), default_precision=default_precision)
    episodes = _play(plan, model)
    examination = examine(plan, card, model, episodes)
    wall_time_s = (datetime.now(UTC) - started).total_seconds()
    return fold_report(plan, spec, card, episodes, wall_time_s=wall_time_s, created_at=started, examination=examination)


def _play(plan: Plan, model: bytes) -> dict[int, list[EpisodeResult]]:
    """The episodes of each cell. Those of two cells with one key, as of an attack under two labels, are the same."""
    begun: set[tuple[str, int, int]] = set()
    results: defaultdict[str, list[EpisodeResult]] = defaultdict(list)

    def finished(cell: int, seed: int, episode: int) -> bool:
        name = (plan.cells[cell].key, seed, episode)
        known = name in begun
        begun.add(name)
        return known

    def put(result: EpisodeResult) -> None:
        results[result.cell_key].append(result)

    for shard in plan.shards:
        play_shard(plan, shard, model, finished=finished, put=put, heartbeat=lambda steps: None)
    return {cell.index: results[cell.key] for cell in plan.cells}
