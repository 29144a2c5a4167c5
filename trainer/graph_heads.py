"""The outputs that PPO needs, given to a graph that lacks them: probabilities that can be trained, and a value."""

from collections.abc import Sequence
from dataclasses import replace
from math import prod, sqrt

import torch
from torch import Tensor, nn

from saddlepoint.errors import UnsupportedArchitecture
from saddlepoint.policies import check_rows
from saddlepoint.policies.graph import OBSERVATION, Graph, Node, live_part
from saddlepoint.policies.operators import compute
from saddlepoint.schemas.policies import HEAD_OUTPUTS, PolicyCard
from trainer.graph_weights import LAYERS, LOG_STD, input_of, weights_of

_WIDTH = 64


def with_probabilities(graph: Graph, card: PolicyCard) -> Graph:
    """The graph with a head that PPO trains.

    Values of actions become the logits Q / temperature, since the policy over them is defined as their softmax
    (`PolicyHints.temperature`); once they are trained they are no values any more. A deviation that does not depend on
    the observation becomes a weight of its own.
    """
    if graph.head == "q_values":
        return _with_logits(graph, card.hints.temperature or 1.0)
    if graph.head == "gaussian" and card.fixed_deviation:
        return _with_free_deviation(graph)
    return graph


def with_value(graph: Graph, generator: torch.Generator, gain: float) -> Graph:
    """The graph with `value`, which is added where there is none.

    A convolutional policy gets a linear layer on the features that its own last layer reads, which are too dear to
    compute twice; it starts at zero, so that its first errors leave the trained features alone. Any other policy gets
    a critic of its own, 64-64 tanh, initialised as those of new policies (`gain` in the last layer), on what the first
    layer of the policy reads: it learns as fast as it must and disturbs nothing. Raises UnsupportedArchitecture.
    """
    trained = [node for node in policy_part(graph).nodes if weights_of(node, graph)]
    layers = [node for node in trained if node.op in LAYERS]
    if not layers:
        raise UnsupportedArchitecture(
            "A policy to train further has layers with weights (Conv, Gemm or MatMul with a constant); this one has "
            "none. Leave policy_id out to train a new policy."
        )
    if "value" in graph.outputs:
        return graph
    if any(node.op == "Conv" for node in layers):
        features = input_of(layers[-1], graph)
        return _with_critic(graph, features, [torch.zeros(1, _size(graph, features))])
    intake = input_of(trained[0], graph)
    if _size(graph, intake) != prod(graph.observation_shape):  # one of several branches
        intake = OBSERVATION
    return _with_critic(graph, intake, _tanh_critic(prod(graph.observation_shape), generator, gain))


def policy_part(graph: Graph) -> Graph:
    """What the head needs."""
    return live_part(replace(graph, outputs={name: graph.outputs[name] for name in HEAD_OUTPUTS[graph.head]}))


@torch.no_grad()
def values_at(graph: Graph, observation: Tensor) -> dict[str, Tensor]:
    """Everything that the graph computes at observations (N, *obs) float32."""
    values = {**graph.constants, OBSERVATION: observation}
    for node in graph.nodes:
        values[node.output] = compute(node.op, [values[name] for name in node.inputs], node.attributes)
    return values


def _with_logits(graph: Graph, temperature: float) -> Graph:
    outputs = {("logits" if name == "q_values" else name): source for name, source in graph.outputs.items()}
    divided = Node("Div", (outputs["logits"], "temperature"), "tempered")
    constants = {**graph.constants, "temperature": torch.tensor(temperature)}
    return replace(
        graph,
        nodes=(*graph.nodes, divided),
        constants=constants,
        outputs={**outputs, "logits": divided.output},
    )


def _with_free_deviation(graph: Graph) -> Graph:
    rows = torch.from_numpy(check_rows(graph.observation_shape))
    log_std = values_at(graph, rows)[graph.outputs["log_std"]][0]
    nothing = Node("Mul", (graph.outputs["mean"], "zero"), "no_mean")
    beside = Node("Add", (nothing.output, LOG_STD), "deviation")
    constants = {**graph.constants, "zero": torch.tensor(0.0), LOG_STD: log_std.clone()}
    outputs = {**graph.outputs, "log_std": beside.output}
    return live_part(replace(graph, nodes=(*graph.nodes, nothing, beside), constants=constants, outputs=outputs))


def _with_critic(graph: Graph, source: str, weights: Sequence[Tensor]) -> Graph:
    """Dense layers of these weights (out, in), a tanh between them, on what `source` gives, flat."""
    nodes = [Node("Reshape", (source,), "critic_input", {"shape": (-1, weights[0].shape[1])})]
    constants = dict(graph.constants)
    for index, weight in enumerate(weights):
        if index:
            nodes.append(Node("Tanh", (nodes[-1].output,), f"critic_tanh{index}"))
        names = (f"critic_weight{index}", f"critic_bias{index}")
        constants |= zip(names, (weight, torch.zeros(len(weight))), strict=True)
        nodes.append(Node("Gemm", (nodes[-1].output, *names), f"critic{index}"))
    nodes.append(Node("Reshape", (nodes[-1].output,), "critic", {"shape": (-1,)}))
    outputs = {**graph.outputs, "value": "critic"}
    return replace(graph, nodes=(*graph.nodes, *nodes), constants=constants, outputs=outputs)


def _tanh_critic(size: int, generator: torch.Generator, gain: float) -> list[Tensor]:
    sizes, gains = (size, _WIDTH, _WIDTH, 1), (sqrt(2), sqrt(2), gain)
    return [
        nn.init.orthogonal_(torch.empty(after, before), factor, generator=generator)
        for before, after, factor in zip(sizes, sizes[1:], gains, strict=False)
    ]


def _size(graph: Graph, name: str) -> int:
    """Of what `name` stands for, one row."""
    return values_at(graph, torch.zeros(1, *graph.observation_shape))[name].numel()
