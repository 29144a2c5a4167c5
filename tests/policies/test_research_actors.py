"""Actors of TD3's own code and of a SAC that many copied give the numbers of their networks."""

from itertools import chain, pairwise

import pytest
import torch
from torch import Tensor, nn

from saddlepoint.errors import PolicyRejected
from saddlepoint.policies import load_network
from tests.policies.networks import imported, saved, vectors


class Actor(nn.Module):
    """What its last layers give, side by side: an action or a mean before its tanh, and perhaps a log_std."""

    def __init__(self, *names: str) -> None:
        super().__init__()
        self.names = names
        sizes = [(4, 32), (32, 16), *[(16, 2)] * (len(names) - 2)]
        for name, size in zip(names, sizes, strict=True):
            self.add_module(name, nn.Linear(*size))

    def forward(self, x: Tensor) -> Tensor:
        first, second, *last = (self.get_submodule(name) for name in self.names)
        x = second(first(x).relu()).relu()
        mean, *deviation = (layer(x) for layer in last)
        return torch.cat([mean, *(raw.clamp(-20, 2) for raw in deviation)], 1)


TD3 = ("l1", "l2", "l3")
SAC = ("linear1", "linear2", "mean_linear", "log_std_linear")
DETERMINISTIC = ("linear1", "linear2", "mean")


@pytest.mark.parametrize(("names", "head"), [(TD3, "action"), (SAC, "gaussian"), (DETERMINISTIC, "action")])
def test_the_outputs_are_those_of_the_network(names: tuple[str, ...], head: str) -> None:
    torch.manual_seed(0)
    actor = Actor(*names)
    if head == "gaussian":
        nn.init.normal_(actor.get_parameter("log_std_linear.weight"), std=30)  # so that the bounds are met
    state = actor.state_dict()
    policy = imported(saved(state))
    with torch.no_grad():
        expected = actor(vectors(16))
    torch.testing.assert_close(load_network(policy.model)(vectors(16)).head, expected, atol=1e-4, rtol=1e-4)
    assert ({-20.0, 2.0} <= set(expected.flatten().tolist())) == (head == "gaussian")
    assert (policy.card.head, policy.card.squash, policy.card.actions) == (head, "tanh", 2)
    assert policy.card.guesses == [
        "relu after every hidden layer, as the networks of these names have",
        "actions are the tanh of the last layer, scaled to the bounds of the environment",
    ]
    assert imported(saved(state), squash="none", activation="tanh").card.guesses == []


def test_a_checkpoint_with_a_critic_beside_it() -> None:
    critic = {f"linear{at}.weight": torch.zeros(1, 1) for at in range(1, 7)}
    policy = imported(saved({"policy_state_dict": Actor(*SAC).state_dict(), "critic_state_dict": critic}))
    assert policy.card.head == "gaussian"


@pytest.mark.parametrize("name", ["l4.weight", "l3.scale"])
def test_layers_of_others_are_refused(name: str) -> None:
    """Such as those of the critic, which has six."""
    with pytest.raises(PolicyRejected, match=f"'{name}' does not"):
        imported(saved({**Actor(*TD3).state_dict(), name: torch.zeros(3, 3)}))


def test_layers_that_do_not_follow_each_other_are_refused() -> None:
    with pytest.raises(PolicyRejected, match="must take 32 numbers"):
        imported(saved({**Actor(*TD3).state_dict(), "l2.weight": torch.zeros(16, 33)}))


def sequential(*sizes: int, activation: type[nn.Module], last: type[nn.Module] = nn.Identity) -> nn.Sequential:
    """`mlp` of spinup/algos/pytorch/*/core.py."""
    kinds = [*[activation] * (len(sizes) - 2), last]
    layers = ((nn.Linear(*pair), kind()) for pair, kind in zip(pairwise(sizes), kinds, strict=True))
    return nn.Sequential(*chain.from_iterable(layers))


def spinning_up(pi: nn.Module, **critics: nn.Module) -> nn.Module:
    """An ActorCritic of SpinningUp."""
    whole = nn.Module()
    for name, module in {"pi": pi, **critics}.items():
        whole.add_module(name, module)
    return whole


def holding(**parts: nn.Module | nn.Parameter) -> nn.Module:
    module = nn.Module()
    for name, part in parts.items():
        setattr(module, name, part)
    return module


@pytest.mark.parametrize(("head", "name"), [("gaussian", "mu_net"), ("logits", "logits_net")])
def test_on_policy_actors_of_spinning_up_give_what_their_networks_do(head: str, name: str) -> None:
    torch.manual_seed(0)
    net, value = sequential(4, 16, 8, 2, activation=nn.Tanh), sequential(4, 8, 1, activation=nn.Tanh)
    beside = {"log_std": nn.Parameter(torch.tensor([-0.5, 0.25]))} if head == "gaussian" else {}
    state = spinning_up(holding(**{name: net}, **beside), v=holding(v_net=value)).state_dict()
    policy = imported(saved(state))
    outputs = load_network(policy.model)(vectors(16))
    with torch.no_grad():
        torch.testing.assert_close(outputs.head[:, :2], net(vectors(16)), atol=1e-5, rtol=0)
        torch.testing.assert_close(outputs.value, value(vectors(16))[:, 0], atol=1e-5, rtol=0)
    if head == "gaussian":
        assert outputs.head[:, 2:].unique(dim=0).tolist() == [[-0.5, 0.25]]
    assert (policy.card.head, policy.card.squash, policy.card.actions) == (head, "none", 2)
    assert policy.card.guesses == ["tanh after every hidden layer, as the networks of these names have"]


@pytest.mark.parametrize("head", ["gaussian", "action"])
def test_off_policy_actors_of_spinning_up_give_what_their_networks_do_before_the_tanh(head: str) -> None:
    torch.manual_seed(0)
    if head == "gaussian":
        net, mean, log_std = sequential(4, 16, 8, activation=nn.ReLU, last=nn.ReLU), nn.Linear(8, 2), nn.Linear(8, 2)
        nn.init.normal_(log_std.weight, std=300)  # so that the bounds are met
        pi = holding(net=net, mu_layer=mean, log_std_layer=log_std)
        expected = torch.cat([mean(net(vectors(16))), log_std(net(vectors(16))).clamp(-20, 2)], 1).detach()
    else:
        net = sequential(4, 16, 8, 2, activation=nn.ReLU, last=nn.Tanh)
        pi, expected = holding(pi=net), net[:-1](vectors(16)).detach()
    q = holding(q=sequential(6, 8, 1, activation=nn.ReLU))
    policy = imported(saved(spinning_up(pi, q1=q, q2=q).state_dict()))
    torch.testing.assert_close(load_network(policy.model)(vectors(16)).head, expected, atol=1e-4, rtol=1e-4)
    assert (policy.card.head, policy.card.squash) == (head, "tanh")
    assert policy.card.contents[-1].endswith("8 of critics: ignored")


def test_a_layer_that_spinning_up_does_not_have_is_refused() -> None:
    state = spinning_up(holding(pi=sequential(4, 8, 2, activation=nn.ReLU))).state_dict()
    with pytest.raises(PolicyRejected, match=r"'pi\.norm\.weight' does not"):
        imported(saved({**state, "pi.norm.weight": torch.ones(8)}))
