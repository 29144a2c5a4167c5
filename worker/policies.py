"""The policy of a plan, which somebody may have deleted meanwhile."""

from saddlepoint.errors import ArtifactNotFound, NotFound
from saddlepoint.schemas import keys
from saddlepoint.schemas.plans import Plan
from saddlepoint.schemas.policies import PolicyCard
from saddlepoint.store import find_record
from worker.context import Context


def load_model(context: Context, plan: Plan) -> bytes:
    """The canonical ONNX model. Raises NotFound."""
    try:
        return context.store.get(keys.policy_model(plan.policy_id))
    except ArtifactNotFound as error:
        raise _deleted(plan) from error


def load_card(context: Context, plan: Plan) -> PolicyCard:
    """Raises NotFound."""
    card = find_record(context.store, keys.policy_card(plan.policy_id), PolicyCard)
    if card is None:
        raise _deleted(plan)
    return card


def _deleted(plan: Plan) -> NotFound:
    return NotFound(f"The policy {plan.policy_id} was deleted before its evaluation was done.")
