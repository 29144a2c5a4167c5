"""Policies as resources: pages of cards, uploads that are still being validated, deletion."""

from typing import Literal

from saddlepoint.schemas import keys
from saddlepoint.schemas.base import Schema
from saddlepoint.schemas.policies import PolicyCard
from saddlepoint.store import Store
from service.ownership import find_card
from service.pagination import IdPage
from service.wire import policy_path


class PolicyPage(Schema):
    """A page of policies, newest first."""

    items: list[PolicyCard]
    next_cursor: str | None = None


class PendingPolicy(Schema):
    """An upload that the validator has said nothing about yet; `links.self` is where to ask again."""

    policy_id: str
    upload_id: str
    status: Literal["validating"] = "validating"
    links: dict[str, str]


def pending_policy(policy_id: str, upload_id: str) -> PendingPolicy:
    """An upload that goes on."""
    links = {"self": f"{policy_path(policy_id)}?upload={upload_id}"}
    return PendingPolicy(policy_id=policy_id, upload_id=upload_id, links=links)


def load_cards(store: Store, owner: str, page: IdPage) -> list[PolicyCard]:
    """The cards of a page; a policy that is being deleted may be in the index no longer than a moment."""
    cards = (find_card(store, owner, policy_id) for policy_id in page.ids)
    return [card for card in cards if card is not None]


def delete_policy(store: Store, owner: str, card: PolicyCard) -> None:
    """The card goes first: a policy exists while its card does. What an interruption leaves is not reachable."""
    store.delete(keys.policy_card(card.id))
    store.delete(keys.policy_model(card.id))
    store.delete(keys.policy_weights(card.id))
    store.delete(keys.policy_index(owner, card.created_at, card.id))
