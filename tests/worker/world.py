"""A small evaluation, and an engine whose episodes cost nothing: their return is a hash of what they are."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from saddlepoint.evaluation.evidence import Evidence, NoEvidence
from saddlepoint.evaluation.steps import StepsTaken
from saddlepoint.evaluation.traces import Trace
from saddlepoint.queue import JobQueue
from saddlepoint.schemas import keys
from saddlepoint.schemas.environments import EnvironmentSpec, describe_atari
from saddlepoint.schemas.evaluations import EvaluationRecord, EvaluationSpec
from saddlepoint.schemas.examinations import Examination
from saddlepoint.schemas.plans import EpisodeId, EpisodeResult, Plan, PlannedCell, Shard, make_plan
from saddlepoint.schemas.policies import PolicyCard
from saddlepoint.schemas.reports import Cell, RandomPolicyReference, Reference, RobustnessReport
from saddlepoint.settings import Settings
from saddlepoint.store import put_record
from saddlepoint.store.local import LocalStore
from saddlepoint.submission import submit_evaluation
from tests.evaluation.episodes import CARD
from worker.context import Context
from worker.engine import Engine, Examine, Play, Show
from worker.shards import run_shard

ENV = "BoxingNoFrameskip-v4"
NOW = datetime(2025, 1, 2, tzinfo=UTC)


def make_context(folder: Path, redis_url: str) -> Context:
    return Context(LocalStore(folder), JobQueue.open(redis_url), Settings(precision="fp32"))


def make_card(policy_id: str = "policy") -> PolicyCard:
    return CARD.model_copy(update={"id": policy_id, "created_at": NOW})


def make_record(evaluation_id: str = "evaluation", **spec: Any) -> EvaluationRecord:
    fields = {"env": ENV, "seeds": 3, "episodes_per_seed": 2, "attacks": ["none", "random"], **spec}
    return EvaluationRecord(
        id=evaluation_id,
        owner="owner",
        policy_id="policy",
        spec=EvaluationSpec.model_validate(fields),
        created_at=NOW,
    )


def plan_of(record: EvaluationRecord) -> Plan:
    """17 episodes in 3 shards of at most 8: none and random 3 x 2 each, and 5 of the random policy."""
    return make_plan(record, make_card(), describe_atari(EnvironmentSpec(id=ENV)), default_precision="fp32")


def submitted(context: Context) -> Plan:
    """Of an evaluation that is accepted."""
    record = make_record()
    plan = plan_of(record)
    submit_evaluation(context.store, context.queue, record, plan)
    return plan


def put_policy(context: Context) -> None:
    context.store.put(keys.policy_model("policy"), b"model")
    put_record(context.store, keys.policy_card("policy"), make_card())


def result_of(plan: Plan, entry: EpisodeId) -> EpisodeResult:
    key = plan.cells[entry.cell].key
    digest = hashlib.sha256(f"{key}/{entry.seed}/{entry.episode}".encode()).hexdigest()
    return EpisodeResult(
        cell_key=key,
        seed=entry.seed,
        episode=entry.episode,
        environment_seed=entry.seed,
        episode_return=float(int(digest[:4], 16)),
        length=10,
        truncated=False,
        actions_digest=digest,
    )


def play(
    plan: Plan,
    shard: Shard,
    model: bytes,
    *,
    finished: Callable[[int, int, int], bool],
    put: Callable[[EpisodeResult], None],
    heartbeat: Callable[[StepsTaken], None],
    keep: Callable[[EpisodeResult, Trace], None],
) -> None:
    """Play as the engine does, in no time."""
    assert model == b"model"
    steps = 0
    for entry in shard.entries:
        if not finished(*entry):
            steps += 10
            heartbeat(StepsTaken(steps))
            put(result_of(plan, entry))


def fold_cell(plan: Plan, cell: PlannedCell, episodes: Sequence[EpisodeResult]) -> Cell:
    del plan
    returns = [episode.episode_return for episode in episodes]
    return Cell(
        attack=cell.attack.kind,
        label=cell.name,
        epsilon=cell.attack.epsilon,
        steps=0,
        step_size=0.0,
        action_mode=cell.action_mode,
        episodes=len(returns),
        seeds=[episode.seed for episode in episodes],
        returns=returns,
        lengths=[episode.length for episode in episodes],
        mean=sum(returns) / len(returns),
        std=None,
        ci95=None,
        ci95_method="none",
        median=0.0,
        iqm=0.0,
        cvar10=0.0,
        worst_seed=0,
        worst_seed_mean=0.0,
        distinct_trajectories=1,
    )


def fold_report(
    plan: Plan,
    evaluation: EvaluationSpec,
    card: PolicyCard,
    episodes: Mapping[int, Sequence[EpisodeResult]],
    *,
    wall_time_s: float,
    examination: Examination,
) -> RobustnessReport:
    folded = {cell.index: fold_cell(plan, cell, episodes[cell.index]) for cell in plan.cells}
    reference = next(folded[cell.index] for cell in plan.cells if cell.role == "random_policy")
    return RobustnessReport(
        id=plan.evaluation_id,
        created_at=NOW,
        policy={"id": card.id},
        env={"id": ENV},
        spec=evaluation.model_dump(mode="json"),
        cells=[folded[cell.index] for cell in plan.cells if cell.role == "cell"],
        reference=Reference(
            random_policy=RandomPolicyReference(
                mean=reference.mean, episodes=reference.episodes, returns=reference.returns
            )
        ),
        worst_case=None,
        verdict="",
        warnings=examination.hints,
        environment_steps=sum(episode.length for cell in episodes.values() for episode in cell),
        wall_time_s=wall_time_s,
        versions={},
        protocol={},
        statistics={},
    )


def examine(
    plan: Plan,
    card: PolicyCard,
    model: bytes,
    episodes: Mapping[int, Sequence[EpisodeResult]],
    *,
    alive: Callable[[], None],
) -> Examination:
    assert model == b"model"
    alive()
    return Examination()


def show(*_: Any) -> NoEvidence:
    return NoEvidence()


def render(report: RobustnessReport, evidence: Evidence | NoEvidence) -> dict[str, bytes]:
    del evidence
    return {"html": f"<p>{report.id}</p>".encode(), "parquet": b"PAR1"}


def make_engine(play: Play = play, examine: Examine = examine, show: Show = show) -> Engine:
    return Engine(
        play=play,
        examine=examine,
        fold_cell=fold_cell,
        fold_report=fold_report,
        show=show,
        render=render,
    )


def play_shards(context: Context, plan: Plan, play: Play = play) -> None:
    """Every episode of a plan."""
    for shard in plan.shards:
        run_shard(context, make_engine(play), plan.evaluation_id, shard.index)


def damage(folder: Path, key: str) -> None:
    """Change one byte of an artifact."""
    path = folder / "store" / key
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 1
    path.write_bytes(data)
