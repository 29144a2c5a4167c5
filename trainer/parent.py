"""Starting from a policy that is there already: its weights in a network of ours, or its own graph as the network."""

from collections.abc import Iterator

import torch
from torch import Tensor

from saddlepoint.errors import UnsupportedEnvironment
from saddlepoint.policies import ImportedPolicy, check_rows, load_network
from saddlepoint.policies.critic import without_critic
from saddlepoint.policies.graph import Graph
from saddlepoint.policies.reading import read_canonical
from saddlepoint.schemas.environments import EnvironmentDescription
from saddlepoint.schemas.hardening import check_hardenable
from saddlepoint.schemas.policies import check_compatible
from trainer.graph_heads import with_probabilities, with_value
from trainer.graph_network import GraphNetwork, check_gradient
from trainer.graph_weights import with_named_weights
from trainer.network import ActorCritic, initialize, make_network
from trainer.weights import from_plain, to_plain

_LAYERS = ("Conv", "Gemm")
_TOLERANCE = 1e-3
"""Of the largest number: enough for another order of summation, and too little for another network."""


def inherit(
    parent: ImportedPolicy, description: EnvironmentDescription, generator: torch.Generator, value_gain: float
) -> ActorCritic:
    """The network (fp32) that computes what the policy does, with its critic or a new one.

    The networks that we train ourselves are recognised, since they compute fast; any other is trained as its graph.
    What it says of the values of actions is left behind: those are of the policy before it learns on.
    Raises UnsupportedArchitecture, ObservationMismatch and ActionMismatch.
    """
    check_hardenable(parent.card)
    check_compatible(parent.card, description)
    graph = without_critic(read_canonical(parent.model))
    known = _recognised(graph, parent.model, description, generator, value_gain)
    return known or _trained_graph(graph, parent, generator, value_gain)


def _trained_graph(graph: Graph, parent: ImportedPolicy, generator: torch.Generator, value_gain: float) -> GraphNetwork:
    graph = with_value(with_probabilities(graph, parent.card), generator, value_gain)
    network = GraphNetwork(*with_named_weights(graph))
    check_gradient(network)
    return network


def _recognised(
    graph: Graph, model: bytes, description: EnvironmentDescription, generator: torch.Generator, value_gain: float
) -> ActorCritic | None:
    """The network that we would make for this environment, if it takes the weights and then computes the same."""
    if graph.head != "logits":
        return None
    try:
        network = make_network(description)
    except UnsupportedEnvironment:
        return None
    initialize(network, generator, value_gain)
    return network if take_over(network, graph, model) else None


@torch.no_grad()
def take_over(network: ActorCritic, graph: Graph, model: bytes) -> bool:
    """Give `network` (fp32) the weights of a canonical policy and of its critic; whether the two then compute the same.

    Layers are recognised by their order and shapes, and the result is compared with the policy on observations.
    """
    weights = _named(network.policy_path, graph, "logits") | _named(network.value_path, graph, "value")
    if not _fits(weights, network):
        return False
    from_plain(network, to_plain(network) | weights)
    return _agrees(network, model)


def _named(path: tuple[str, ...], graph: Graph, output: str) -> dict[str, Tensor]:
    """The tensors of the last layers before an output, under the names of `path`."""
    found = list(_layers(graph, output))[: len(path)]
    return {
        f"{name}.{kind}": tensor
        for name, layer in zip(reversed(path), found, strict=False)
        for kind, tensor in zip(("weight", "bias"), layer, strict=True)
    }


def _layers(graph: Graph, output: str) -> Iterator[tuple[Tensor, Tensor]]:
    """Weight and bias of the layers that lead to an output, the last one first."""
    nodes = {node.output: node for node in graph.nodes}
    name = graph.outputs.get(output, "")
    while name in nodes:
        node = nodes[name]
        if node.op in _LAYERS and len(node.inputs) == 3:
            yield graph.constants[node.inputs[1]], graph.constants[node.inputs[2]]
        name = node.inputs[0]


def _fits(tensors: dict[str, Tensor], network: ActorCritic) -> bool:
    own = to_plain(network)
    return all(own[name].shape == tensor.shape for name, tensor in tensors.items())


def _agrees(network: ActorCritic, model: bytes) -> bool:
    policy = load_network(model)
    rows = torch.from_numpy(check_rows(policy.observation_shape))
    expected, (head, value) = policy(rows), network(network.encode(rows))
    return _is_close(head, expected.logits) and (expected.value is None or _is_close(value, expected.value))


def _is_close(got: Tensor, expected: Tensor) -> bool:
    atol = _TOLERANCE * float(expected.abs().max())
    return got.shape == expected.shape and bool(torch.allclose(got, expected, rtol=0, atol=atol))
