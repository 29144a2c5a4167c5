"""Rows of the lists: evaluations with what came out of them, trainings, policies."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool

from saddlepoint.schemas.evaluations import Evaluation
from saddlepoint.schemas.policies import PolicyCard
from saddlepoint.schemas.trainings import Training
from service.context import Context
from service.headlines import Headline
from service.ownership import find_card


@dataclass(frozen=True)
class EvaluationRow:
    """An evaluation in a list; `policy` is None where it was deleted or is still being validated."""

    evaluation: Evaluation
    policy: PolicyCard | None
    headline: Headline | None

    @property
    def title(self) -> str:
        return policy_title(self.policy, self.evaluation.policy_id)

    @property
    def attacks(self) -> str:
        """The attacks by name, each once."""
        return ", ".join(dict.fromkeys(attack.label or attack.kind for attack in self.evaluation.spec.attacks))


@dataclass(frozen=True)
class TrainingRow:
    training: Training
    parent: PolicyCard | None

    @property
    def parent_title(self) -> str:
        """What it started from."""
        policy_id = self.training.spec.policy_id
        return policy_title(self.parent, policy_id) if policy_id else "scratch"


def policy_title(card: PolicyCard | None, policy_id: str) -> str:
    """What a policy is called: its name, else the beginning of its id."""
    return (card.name if card else None) or f"Policy {policy_id[:8]}"


async def evaluation_rows(context: Context, owner: str, ids: Sequence[str]) -> list[EvaluationRow]:
    """Rows of these evaluations. Raises NotFound and Unavailable."""
    evaluations = [(await context.evaluation_briefs.get(owner, one)).job for one in ids]
    return await run_in_threadpool(_evaluation_rows, context, owner, evaluations)


async def training_rows(context: Context, owner: str, ids: Sequence[str]) -> list[TrainingRow]:
    """Rows of these trainings, likewise."""
    trainings = [(await context.training_briefs.get(owner, one)).job for one in ids]
    parents = {training.spec.policy_id for training in trainings if training.spec.policy_id}
    cards = await run_in_threadpool(find_cards, context, owner, parents)
    return [TrainingRow(training, cards.get(training.spec.policy_id or "")) for training in trainings]


def find_cards(context: Context, owner: str, policy_ids: Iterable[str]) -> dict[str, PolicyCard]:
    """The cards of those policies that are there, by id. May block."""
    found = {policy_id: find_card(context.store, owner, policy_id) for policy_id in policy_ids}
    return {policy_id: card for policy_id, card in found.items() if card is not None}


def _evaluation_rows(context: Context, owner: str, evaluations: Sequence[Evaluation]) -> list[EvaluationRow]:
    cards = find_cards(context, owner, {evaluation.policy_id for evaluation in evaluations})
    return [
        EvaluationRow(
            evaluation,
            cards.get(evaluation.policy_id),
            context.headlines.find(evaluation.id) if evaluation.status == "succeeded" else None,
        )
        for evaluation in evaluations
    ]
