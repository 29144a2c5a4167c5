"""The policy of work that goes on, which somebody may have deleted meanwhile."""

from saddlepoint.errors import ArtifactCorrupt, ArtifactNotFound, JobFailed, NotFound
from saddlepoint.schemas import keys
from saddlepoint.schemas.policies import PolicyCard
from saddlepoint.store import find_record
from worker.context import Context


def load_model(context: Context, policy_id: str) -> bytes:
    """The canonical ONNX model. Raises NotFound."""
    try:
        return context.store.get(keys.policy_model(policy_id))
    except ArtifactNotFound as error:
        raise _deleted(policy_id) from error


def find_card(context: Context, policy_id: str) -> PolicyCard | None:
    """None where there is none. Raises JobFailed where it is damaged."""
    try:
        return find_record(context.store, keys.policy_card(policy_id), PolicyCard)
    except ArtifactCorrupt as error:
        raise JobFailed(
            f"The card of policy {policy_id} is damaged: it does not match its checksum. Delete the policy and upload "
            "it again."
        ) from error


def load_card(context: Context, policy_id: str) -> PolicyCard:
    """Raises NotFound, and JobFailed where it is damaged."""
    card = find_card(context, policy_id)
    if card is None:
        raise _deleted(policy_id)
    return card


def _deleted(policy_id: str) -> NotFound:
    return NotFound(f"The policy {policy_id} was deleted before its evaluation was done.")
