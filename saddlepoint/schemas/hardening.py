"""Which uploaded policies can be trained further."""

from saddlepoint.errors import UnsupportedArchitecture
from saddlepoint.schemas.policies import PolicyCard


def check_hardenable(card: PolicyCard) -> None:
    """Raise UnsupportedArchitecture where a policy has nothing that PPO could train, as far as its card tells."""
    if card.states:
        raise UnsupportedArchitecture(
            f"Only policies without memory are trained further; this one carries {len(card.states)} states from step "
            "to step. Evaluate it as it is, or train one on stacked observations, leaving policy_id out."
        )
    if card.head == "action":
        raise UnsupportedArchitecture(
            "PPO trains the probabilities of actions, and this policy gives the action itself. Export 'mean' and "
            "'log_std' in place of 'action' (a log_std of your choice makes it explore), or leave policy_id out to "
            "train a new policy."
        )
