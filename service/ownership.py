"""Cards of policies, for those whose policies they are."""

from saddlepoint.errors import NotFound
from saddlepoint.schemas import keys
from saddlepoint.schemas.policies import PolicyCard, policy_id
from saddlepoint.store import Store, find_record


def find_card(store: Store, owner: str, wanted: str) -> PolicyCard | None:
    """The card of a policy of `owner`; None where there is none, or it is somebody else's."""
    card = find_record(store, keys.policy_card(wanted), PolicyCard)
    return card if card is not None and _is_owned(store, owner, card) else None


def load_card(store: Store, owner: str, wanted: str) -> PolicyCard:
    """The same. Raises NotFound."""
    card = find_card(store, owner, wanted)
    if card is None:
        raise NotFound(f"There is no policy {wanted[:64]}; upload it with POST /v1/policies.")
    return card


def _is_owned(store: Store, owner: str, card: PolicyCard) -> bool:
    """An upload's id is a hash of its owner; a policy that was trained here is in its owner's index."""
    if card.id == policy_id(owner, card.sha256, card.hints):
        return True
    return store.exists(keys.policy_index(owner, card.created_at, card.id))
