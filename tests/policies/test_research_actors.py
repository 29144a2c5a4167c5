"""Actors of TD3's own code and of a SAC that many copied give the numbers of their networks."""

import pytest
import torch
from torch import Tensor, nn

from saddlepoint.errors import PolicyRejected
from saddlepoint.policies import load_network
from tests.policies.networks import imported, saved, vectors


class Td3(nn.Module):
    """Before its tanh."""

    def __init__(self) -> None:
        super().__init__()
        self.l1, self.l2, self.l3 = nn.Linear(4, 32), nn.Linear(32, 16), nn.Linear(16, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.l3(self.l2(self.l1(x).relu()).relu())  # type: ignore[no-any-return]


class Sac(nn.Module):
    """Mean before its tanh, and log_std."""

    def __init__(self) -> None:
        super().__init__()
        self.linear1, self.linear2 = nn.Linear(4, 32), nn.Linear(32, 16)
        self.mean_linear, self.log_std_linear = nn.Linear(16, 2), nn.Linear(16, 2)
        nn.init.normal_(self.log_std_linear.weight, std=30)  # so that the bounds are met

    def forward(self, x: Tensor) -> Tensor:
        x = self.linear2(self.linear1(x).relu()).relu()
        return torch.cat([self.mean_linear(x), self.log_std_linear(x).clamp(-20, 2)], 1)


class Deterministic(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear1, self.linear2, self.mean = nn.Linear(4, 32), nn.Linear(32, 16), nn.Linear(16, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.mean(self.linear2(self.linear1(x).relu()).relu())  # type: ignore[no-any-return]


@pytest.mark.parametrize(("kind", "head"), [(Td3, "action"), (Sac, "gaussian"), (Deterministic, "action")])
def test_the_outputs_are_those_of_the_network(kind: type[nn.Module], head: str) -> None:
    torch.manual_seed(0)
    actor = kind()
    state = actor.state_dict()
    policy = imported(saved(state))
    with torch.no_grad():
        torch.testing.assert_close(
            load_network(policy.model)(vectors(16)).head, actor(vectors(16)), atol=1e-4, rtol=1e-4
        )
    assert (policy.card.head, policy.card.squash, policy.card.actions) == (head, "tanh", 2)
    assert policy.card.guesses == [
        "relu after every hidden layer, as the networks of these names have",
        "actions are the tanh of the last layer, scaled to the bounds of the environment",
    ]
    assert imported(saved(state), squash="none", activation="tanh").card.guesses == []


def test_a_checkpoint_with_a_critic_beside_it() -> None:
    critic = {f"linear{at}.weight": torch.zeros(1, 1) for at in range(1, 7)}
    policy = imported(saved({"policy_state_dict": Sac().state_dict(), "critic_state_dict": critic}))
    assert policy.card.head == "gaussian"


@pytest.mark.parametrize("name", ["l4.weight", "l3.scale"])
def test_layers_of_others_are_refused(name: str) -> None:
    """Such as those of the critic, which has six."""
    with pytest.raises(PolicyRejected, match=f"'{name}' does not"):
        imported(saved({**Td3().state_dict(), name: torch.zeros(3, 3)}))


def test_layers_that_do_not_follow_each_other_are_refused() -> None:
    with pytest.raises(PolicyRejected, match="must take 32 numbers"):
        imported(saved({**Td3().state_dict(), "l2.weight": torch.zeros(16, 33)}))
