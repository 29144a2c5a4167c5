"""Trainings and comparisons for a scripted service to answer with."""

from typing import Any

import httpx

from clients.watched import Training
from saddlepoint.schemas.comparisons import ComparisonResult
from saddlepoint.schemas.environments import EnvironmentSpec
from saddlepoint.schemas.evaluations import Status
from saddlepoint.schemas.group_comparisons import GroupsResult
from saddlepoint.schemas.trainings import CurvePoint, TrainingProgress, TrainingSpec
from tests.clients import fakes
from tests.clients.fakes import POLICY, Answer, answer, evaluation
from tests.evaluation.sample_comparison import sample_comparison
from tests.evaluation.sample_training import compared_training

TRAINING, CHILD, COMPARISON = "d" * 32, "b" * 32, "c" * 32
CARTPOLE = EnvironmentSpec(id="CartPole-v1")


def training(
    status: Status = "queued", returns: tuple[float, ...] = (), evaluated: dict[str, Any] | None = None
) -> Training:
    """With a point of the curve for each of `returns`, and the policy if it succeeded."""
    curve = [
        CurvePoint(update=number, steps=number * 10, episodes=number, mean_return=value)
        for number, value in enumerate(returns, 1)
    ]
    spec = {"env": CARTPOLE, "method": "atpa", "policy_id": POLICY, "evaluation": evaluated}
    return Training(
        id=TRAINING,
        status=status,
        spec=TrainingSpec.model_validate(spec),
        created_at=fakes.NOW,
        progress=TrainingProgress(steps_done=10 * len(returns), steps_planned=100, curve=curve),
        policy_id=CHILD if status == "succeeded" else None,
    )


def comparison_of(status: str) -> dict[str, Any]:
    return {
        "id": COMPARISON,
        "status": status,
        "created_at": "2026-01-02T03:04:05Z",
        "spec": {"baseline": ["e1"], "candidate": ["e2"]},
    }


def audited() -> tuple[Answer, ...]:
    """The answers to an evaluation that is asked for, waited for and read."""
    return (
        answer(evaluation(), 202),
        answer(evaluation("succeeded", 10)),
        answer(fakes.report()),
        httpx.Response(200, html="<title>report</title>"),
    )


def compared(result: ComparisonResult | GroupsResult | None = None) -> tuple[Answer, ...]:
    """The answers to a comparison that is asked for, waited for and read."""
    return (
        answer(comparison_of("queued"), 202),
        answer(comparison_of("succeeded")),
        answer(result or sample_comparison()),
        httpx.Response(200, html="<title>comparison</title>"),
        httpx.Response(200, text="| attack |"),
    )


def reported() -> tuple[Answer, ...]:
    """The answers to the report of a training that is asked for."""
    return (
        answer(training("succeeded", (1.0, 2.0))),
        answer(compared_training()),
        httpx.Response(200, html="<title>training</title>"),
    )


def hardened(evaluated: dict[str, Any] | None = None) -> tuple[Answer, ...]:
    """The answers to hardening a policy that the service has."""
    return (
        answer(fakes.card()),
        answer(training(evaluated=evaluated), 202),
        *audited(),
        answer(training("succeeded", (1.0, 2.0))),
        *audited(),
        *compared(),
        *reported(),
        httpx.Response(200, content=b"onnx"),
    )
