"""Any policy's canonical graph as a network to train."""

from collections.abc import Sequence, Set
from dataclasses import replace

import torch
from torch import Tensor, nn

from saddlepoint.attacks.network import AttackedNetwork
from saddlepoint.errors import UnsupportedArchitecture
from saddlepoint.policies import PolicyNetwork, check_rows
from saddlepoint.policies.graph import OBSERVATION, Graph, Node, live_part
from saddlepoint.policies.operators import compute
from saddlepoint.schemas.policies import HEAD_OUTPUTS
from trainer.graph_weights import LAYERS
from trainer.network import ActorCritic, Precision

_JUMPS = frozenset({"And", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Not", "Or"})
"""Operators through which no gradient comes."""


class GraphNetwork(ActorCritic):
    """A graph with a head and `value`, and with its `weights` as parameters; what else it holds stays as it is.

    Observations are stored as they are: bytes as bytes, other numbers as float32. The last layers of head and value,
    and what follows them, are computed in fp32 in any case.
    """

    def __init__(self, graph: Graph, weights: Set[str]) -> None:
        super().__init__()
        self._graph = graph
        self._is_convolutional = any(node.op == "Conv" for node in graph.nodes)
        for name, constant in graph.constants.items():
            if name in weights:
                self.register_parameter(name, nn.Parameter(constant.clone()))
            else:
                self.register_buffer(name, constant, persistent=False)
        self._body, self._tail = _divided(graph, weights)
        read = {name for node in self._tail for name in node.inputs} | set(graph.outputs.values())
        self._handed_on = [node.output for node in self._body if node.output in read]

    def encode(self, observation: Tensor) -> Tensor:
        return observation.to(observation.dtype if observation.dtype == torch.uint8 else torch.float32, copy=True)

    def forward(self, encoded: Tensor) -> tuple[Tensor, Tensor]:
        values = {**dict(self.named_parameters()), **dict(self.named_buffers()), OBSERVATION: encoded.float()}
        with torch.autocast(encoded.device.type, torch.bfloat16, enabled=self._body_precision == "bf16"):
            _run(self._body, values)
        for name in self._handed_on:
            values[name] = values[name].float() if values[name].is_floating_point() else values[name]
        _run(self._tail, values)
        parts = [values[self._graph.outputs[name]] for name in HEAD_OUTPUTS[self._graph.head]]
        return torch.cat(parts, dim=1), values[self._graph.outputs["value"]]

    def frozen(self) -> AttackedNetwork:
        """As evaluations attack it: rewritten for speed, and in one precision from end to end."""
        device = next(self.parameters()).device
        return PolicyNetwork(self.graph(), precision=self._body_precision).to(device)

    def graph(self) -> Graph:
        """The graph with the weights as they are now, on the CPU."""
        now = {name: weight.detach().cpu().contiguous().clone() for name, weight in self.named_parameters()}
        return replace(self._graph, constants={**self._graph.constants, **now})

    @property
    def _body_precision(self) -> Precision:
        return self.precision if self._is_convolutional else "fp32"


def check_gradient(network: GraphNetwork) -> None:
    """Raise UnsupportedArchitecture unless every weight has a finite gradient at plausible observations."""
    weights = list(network.parameters())
    rows = torch.from_numpy(check_rows(network.graph().observation_shape))
    head, value = network(rows)
    total = head.sum() + value.sum()
    found = torch.autograd.grad(total, weights, allow_unused=True) if total.requires_grad else [None]
    gradients = [gradient for gradient in found if gradient is not None]
    if len(gradients) < len(weights):
        jumps = sorted({node.op for node in network.graph().nodes if node.op in _JUMPS})
        raise UnsupportedArchitecture(
            f"Every weight of a policy to train further needs a gradient; none comes through its {', '.join(jumps)}. "
            "Export it with smooth or piecewise linear activations, or leave policy_id out to train a new policy."
        )
    if not all(bool(torch.isfinite(gradient).all()) for gradient in gradients):
        raise UnsupportedArchitecture(
            "The gradient of a policy to train further must be finite; at plausible observations this one's is not. "
            "Look for square roots and logarithms of 0 in it, or leave policy_id out to train a new policy."
        )


def _run(nodes: Sequence[Node], values: dict[str, Tensor]) -> None:
    for node in nodes:
        values[node.output] = compute(node.op, [values[name] for name in node.inputs], node.attributes)


def _divided(graph: Graph, weights: Set[str]) -> tuple[list[Node], list[Node]]:
    """The nodes before the last layer of any output, and the others."""
    late: set[str] = set()
    for source in graph.outputs.values():
        nodes = live_part(replace(graph, outputs={"value": source})).nodes
        layers = [node.output for node in nodes if node.op in LAYERS and not weights.isdisjoint(node.inputs)]
        late.update(layers[-1:])
    for node in graph.nodes:
        if not late.isdisjoint(node.inputs):
            late.add(node.output)
    body = [node for node in graph.nodes if node.output not in late]
    return body, [node for node in graph.nodes if node.output in late]
