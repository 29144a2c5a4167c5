"""A policy's page: what was inside the file, what it is, where it comes from, and what was found of it."""

from dataclasses import dataclass

from saddlepoint.errors import UnsupportedArchitecture
from saddlepoint.schemas import keys
from saddlepoint.schemas.evaluations import EvaluationRecord
from saddlepoint.schemas.hardening import check_hardenable
from saddlepoint.schemas.policies import CONTINUOUS_HEADS, PolicyCard
from saddlepoint.store import find_record
from service.context import Context
from service.dashboard.lists import policy_title
from service.headlines import Headline
from service.ownership import find_card, load_card
from service.pagination import read_page

_LOOKED_AT = 40
"""Of the newest evaluations, for those of this policy: there is no index by policy."""
_HEADS = {
    "logits": "probabilities of actions",
    "q_values": "values of actions",
    "gaussian": "a Gaussian over actions of numbers",
    "action": "an action of numbers",
}


@dataclass(frozen=True)
class PastEvaluation:
    id: str
    env_id: str
    headline: Headline | None


@dataclass(frozen=True)
class PolicyView:
    card: PolicyCard
    parent: PolicyCard | None
    evaluations: list[PastEvaluation]
    has_weights: bool
    """Whether there is a safetensors file beside the ONNX one."""
    obstacle: str | None
    """Why it cannot be hardened, if so."""

    @property
    def title(self) -> str:
        return policy_title(self.card, self.card.id)

    @property
    def actions(self) -> str:
        """What an action is."""
        if self.card.head in CONTINUOUS_HEADS:
            return f"{self.card.actions} numbers"
        return f"one of {self.card.actions}"

    @property
    def gives(self) -> str:
        """What the policy says of an observation."""
        beside = ", and what they are worth" if self.card.has_critic and self.card.head != "q_values" else ""
        return _HEADS[self.card.head] + beside


def read_policy_view(context: Context, owner: str, policy_id: str) -> PolicyView:
    """May block. Raises NotFound, also for what is somebody else's."""
    store = context.store
    card = load_card(store, owner, policy_id)
    parent_id = card.lineage.parent if card.lineage else None
    return PolicyView(
        card=card,
        parent=find_card(store, owner, parent_id) if parent_id else None,
        evaluations=_evaluations(context, owner, policy_id),
        has_weights=store.exists(keys.policy_weights(policy_id)),
        obstacle=_obstacle(card),
    )


def _obstacle(card: PolicyCard) -> str | None:
    try:
        check_hardenable(card)
    except UnsupportedArchitecture as error:
        return error.message
    return None


def _evaluations(context: Context, owner: str, policy_id: str) -> list[PastEvaluation]:
    page = read_page(context.store, keys.evaluation_index_prefix(owner), _LOOKED_AT, None)
    records = [find_record(context.store, keys.evaluation_spec(one), EvaluationRecord) for one in page.ids]
    return [
        PastEvaluation(record.id, record.spec.env.id, context.headlines.find(record.id))
        for record in records
        if record is not None and record.policy_id == policy_id
    ]
