"""Results by hand, and the plan they belong to."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from saddlepoint.schemas.environments import EnvironmentSpec, describe_atari
from saddlepoint.schemas.evaluations import EvaluationRecord, EvaluationSpec
from saddlepoint.schemas.plans import EpisodeResult, Plan, make_plan
from saddlepoint.schemas.policies import InputDescription, OutputDescription, PolicyCard

NOW = datetime(2026, 11, 22, tzinfo=UTC)
CARD = PolicyCard(
    id="policy",
    created_at=NOW,
    format="onnx",
    architecture="nature-cnn",
    head="logits",
    observation=InputDescription(shape=(4, 84, 84)),
    outputs=[OutputDescription(name="logits", shape=(18,))],
    actions=18,
    parameters=1,
    sha256="0" * 64,
    canonical_sha256="1" * 64,
    size=1,
    max_disagreement=0.0,
)


def spec_of(**fields: Any) -> EvaluationSpec:
    return EvaluationSpec.model_validate({"env": "BoxingNoFrameskip-v4", "seeds": 2, "episodes_per_seed": 2} | fields)


def plan_of(spec: EvaluationSpec) -> Plan:
    record = EvaluationRecord(id="evaluation", owner="me", policy_id="policy", spec=spec, created_at=NOW)
    return make_plan(record, CARD, describe_atari(EnvironmentSpec(id="BoxingNoFrameskip-v4")), default_precision="fp32")


def results(plan: Plan, returns: Mapping[str, Sequence[float]], **fields: Any) -> dict[int, list[EpisodeResult]]:
    """For every planned cell by its label: the returns in the order of (seed, episode), over again if they run out."""
    entries = sorted(entry for shard in plan.shards for entry in shard.entries)
    by_cell: dict[int, list[EpisodeResult]] = {cell.index: [] for cell in plan.cells}
    for entry in entries:
        cell, number = plan.cells[entry.cell], len(by_cell[entry.cell])
        by_cell[entry.cell].append(
            result(
                cell_key=cell.key,
                seed=entry.seed,
                episode=entry.episode,
                episode_return=returns[cell.label][number % len(returns[cell.label])],
                actions_digest=f"{cell.label} {number}",
                **(_attacked() | fields if cell.attack.epsilon > 0 else {}),
            )
        )
    return by_cell


def result(**fields: Any) -> EpisodeResult:
    defaults = {"cell_key": "key", "seed": 0, "episode": 0, "environment_seed": 1, "length": 10, "truncated": False}
    return EpisodeResult.model_validate(defaults | {"actions_digest": "", "episode_return": 0.0} | fields)


def _attacked() -> dict[str, Any]:
    return {
        "attacked_steps": 10,
        "flips": 5,
        "kl_sum": 20.0,
        "tv_sum": 4.0,
        "max_linf": 4.0,
        "loss_sum": 30.0,
        "best_loss_sum": 35.0,
        "loss_rises": 10,
    }
