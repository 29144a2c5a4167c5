"""A training's page: its learning curve, where it started, what it published and what that gained."""

from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool

from saddlepoint.schemas.comparisons import Comparison
from saddlepoint.schemas.policies import PolicyCard
from saddlepoint.schemas.trainings import DEFENSES, DefenseDescription, Training
from service.context import Context
from service.dashboard.lists import EvaluationRow, evaluation_rows, find_cards, policy_title


@dataclass(frozen=True)
class TrainingView:
    training: Training
    method: DefenseDescription
    parent: PolicyCard | None
    child: PolicyCard | None
    evaluations: list[tuple[str, EvaluationRow]]
    """Of the policy it started from and of the one it published, as far as they have been asked for."""
    comparison: Comparison | None

    @property
    def title(self) -> str:
        return self.training.spec.name or f"{self.method.title} on {self.training.spec.env.id}"

    @property
    def parent_title(self) -> str | None:
        policy_id = self.training.spec.policy_id
        return policy_title(self.parent, policy_id) if policy_id else None

    @property
    def config(self) -> list[tuple[str, str]]:
        """What was asked for that is not as usual."""
        return [(name.replace("_", " "), str(value)) for name, value in self.training.spec.config.items()]


async def read_training_view(context: Context, owner: str, training_id: str) -> TrainingView:
    """Raises NotFound, also for what is somebody else's, and Unavailable."""
    training = (await context.trainings.get(owner, training_id)).job
    named = [policy_id for policy_id in (training.spec.policy_id, training.policy_id) if policy_id]
    cards = await run_in_threadpool(find_cards, context, owner, named)
    proof = training.proof
    parts = {"Before": proof.parent_evaluation, "After": proof.evaluation} if proof else {}
    asked = {title: evaluation_id for title, evaluation_id in parts.items() if evaluation_id}
    rows = await evaluation_rows(context, owner, list(asked.values()))
    comparison = None
    if proof and proof.comparison:
        comparison = (await context.comparisons.get(owner, proof.comparison)).job
    return TrainingView(
        training=training,
        method=DEFENSES[training.spec.method],
        parent=cards.get(training.spec.policy_id or ""),
        child=cards.get(training.policy_id or ""),
        evaluations=list(zip(asked, rows, strict=True)),
        comparison=comparison,
    )
