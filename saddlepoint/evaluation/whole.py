"""A whole evaluation in this process, without store and queue: plan, play, fold."""

from collections import defaultdict
from datetime import UTC, datetime

from saddlepoint.envs.describe import describe
from saddlepoint.evaluation.fold import fold_report
from saddlepoint.evaluation.shards import play_shard
from saddlepoint.schemas.evaluations import EvaluationRecord, EvaluationSpec, Precision
from saddlepoint.schemas.plans import EpisodeResult, make_plan
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
    cells = {cell.key: cell.index for cell in plan.cells}
    episodes: defaultdict[int, list[EpisodeResult]] = defaultdict(list)
    for shard in plan.shards:
        play_shard(
            plan,
            shard,
            model,
            finished=lambda *entry: False,
            put=lambda result: episodes[cells[result.cell_key]].append(result),
            heartbeat=lambda steps: None,
        )
    wall_time_s = (datetime.now(UTC) - started).total_seconds()
    return fold_report(plan, spec, card, episodes, wall_time_s=wall_time_s, created_at=started)
