"""Starting from a policy that is there already, in canonical ONNX: its weights, if its network is one that we train."""

from collections.abc import Iterator

import torch
from torch import Tensor

from saddlepoint.errors import UnsupportedArchitecture
from saddlepoint.policies import check_rows, load_network
from saddlepoint.policies.graph import Graph
from saddlepoint.policies.reading import read_canonical
from trainer.network import ActorCritic
from trainer.weights import from_plain, to_plain

_LAYERS = ("Conv", "Gemm")
_TOLERANCE = 1e-3
"""Of the largest logit: enough for another order of summation, and too little for another network."""


@torch.no_grad()
def take_over(network: ActorCritic, model: bytes) -> None:
    """Give `network` (fp32) the weights of a canonical policy, and those of its critic where they fit too.

    Layers are recognised by their order and shapes, and the result is compared with the policy on observations. Raises
    UnsupportedArchitecture where the two compute different things.
    """
    graph = read_canonical(model)
    policy = _named(network.policy_path, graph, "logits")
    value = _named(network.value_path, graph, "value")
    if _fits(policy, network):
        from_plain(network, to_plain(network) | policy | (value if _fits(value, network) else {}))
    if not _agrees(network, model):
        raise UnsupportedArchitecture(
            "A policy to train further must be the Nature CNN on pixels divided by 255, or two separate 64-64 tanh "
            "networks; this one is another network. Leave policy_id out to train a new policy."
        )


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
    expected = policy(rows).logits
    got, _ = network(network.encode(rows))
    return got.shape == expected.shape and bool(
        torch.allclose(got, expected, rtol=0, atol=_TOLERANCE * float(expected.abs().max()))
    )
