"""The report of a training made by hand, for tests of what shows it."""

from datetime import UTC, datetime, timedelta

import numpy as np

from saddlepoint.evaluation.training_report import make_training_report
from saddlepoint.schemas.comparisons import ComparisonResult
from saddlepoint.schemas.environments import EnvironmentSpec
from saddlepoint.schemas.policies import InputDescription, Lineage, OutputDescription, PolicyCard
from saddlepoint.schemas.training_reports import TrainingReport
from saddlepoint.schemas.trainings import CurvePoint, TrainingRecord, TrainingSpec, resolve_config
from tests.evaluation.sample_comparison import sample_comparison

BEGUN = datetime(2026, 11, 28, 3, tzinfo=UTC)
RETURNS = (20.0, 60.0, 140.0, 150.0)
CONFIG = {"steps": 40_960, "actors": 16, "horizon": 64, "minibatch": 256, "epsilon": 0.2, "epsilon_ramp": 0.5}


def training_record(name: str | None = "hardened pole", policy_id: str | None = "a" * 32) -> TrainingRecord:
    spec = TrainingSpec(
        method="atpa", env=EnvironmentSpec(id="CartPole-v1"), policy_id=policy_id, config=CONFIG, seed=3, name=name
    )
    return TrainingRecord(id="d" * 32, owner="anna", spec=spec, created_at=BEGUN)


def published(record: TrainingRecord) -> PolicyCard:
    """The policy of `record`, with its lineage."""
    lineage = Lineage(
        parent=record.spec.policy_id,
        method=record.spec.method,
        env=record.spec.env,
        config=resolve_config(record.spec).model_dump(mode="json"),
        steps=CONFIG["steps"],
        seed=record.spec.seed,
        training_id=record.id,
        versions={"saddlepoint": "0.1.0", "torch": "2.13.0+cpu"},
    )
    return PolicyCard(
        id="b" * 32,
        name=record.spec.name,
        created_at=BEGUN,
        format="safetensors",
        architecture="mlp",
        head="logits",
        observation=InputDescription(shape=(4,)),
        outputs=[OutputDescription(name="logits", shape=(2,))],
        actions=2,
        parameters=9_155,
        sha256="0c" * 32,
        canonical_sha256="7b" * 32,
        size=36_620,
        max_disagreement=1e-7,
        lineage=lineage,
    )


def curve(
    returns: tuple[float | None, ...] = RETURNS, *, steps: int = 10_240, is_ramped: bool = True
) -> list[CurvePoint]:
    """A point for each of `returns`, so many steps apart at 1,024 steps a second."""
    rng = np.random.default_rng(0)
    return [
        CurvePoint(
            update=number,
            steps=number * steps,
            episodes=10 * number,
            mean_return=value,
            extra={
                "epsilon": min(0.2, 0.4 * number / len(returns)) if is_ramped else 0.2,
                "entropy": 0.69 * 0.98**number,
                "approximate_kl": 0.004 + 0.002 * float(rng.random()),
                "policy_loss": -0.01 * float(rng.random()),
                "value_loss": 100.0 / number,
                "explained_variance": 1 - 1 / number,
                "steps_per_second": 1024.0,
            },
        )
        for number, value in enumerate(returns, 1)
    ]


def sample_training(
    points: list[CurvePoint] | None = None,
    comparison: ComparisonResult | None = None,
    record: TrainingRecord | None = None,
) -> TrainingReport:
    """A training of 40,960 steps in 40 seconds, compared with its parent where `comparison` is given."""
    record = record or training_record()
    finished_at = BEGUN + timedelta(seconds=75)
    return make_training_report(
        record, finished_at, curve() if points is None else points, published(record), comparison
    )


def compared_training() -> TrainingReport:
    return sample_training(comparison=sample_comparison())
