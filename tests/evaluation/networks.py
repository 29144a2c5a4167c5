"""Real policy networks with weights by hand or by seed, as canonical ONNX."""

import torch
from torch import Tensor

from saddlepoint.policies.graph import Attribute, Graph, Node
from saddlepoint.policies.onnx_writer import to_onnx

Layers = list[tuple[str, Tensor]]
"""The activation before a linear layer ("" for none), and its weights (out, in)."""


def balancing_policy() -> bytes:
    """Linear on CartPole: push towards where the pole falls; keeps it up for 500 steps."""
    push_right = torch.tensor([0.5, 1.0, 10.0, 3.0])
    return linear_policy(torch.stack([-push_right, push_right]))


def balancing_mlp(hidden: int = 64) -> bytes:
    """The same as two tanh layers of which one unit counts; the others compute and are not listened to."""
    generator = torch.Generator().manual_seed(0)
    layers = [random_weights(*shape, generator=generator) for shape in ((hidden, 4), (hidden, hidden))]
    layers[0][0], layers[1][0] = torch.tensor([0.05, 0.1, 1.0, 0.3]), 0.0
    layers[1][0, 0] = 1.0
    head = torch.zeros(2, hidden)
    head[:, 0] = torch.tensor([-10.0, 10.0])
    return to_onnx(_perceptron([("", layers[0]), ("Tanh", layers[1]), ("Tanh", head)]))


def linear_policy(weights: Tensor) -> bytes:
    return to_onnx(_perceptron([("", weights)]))


def tanh_policy(inputs: int, hidden: int, actions: int, seed: int = 0) -> bytes:
    generator = torch.Generator().manual_seed(seed)
    shapes = [("", (hidden, inputs)), ("Tanh", (hidden, hidden)), ("Tanh", (actions, hidden))]
    return to_onnx(_perceptron([(before, random_weights(*shape, generator=generator)) for before, shape in shapes]))


def atari_policy(actions: int = 18, seed: int = 0) -> bytes:
    """The Nature CNN with random weights that keep the scale of activations."""
    generator = torch.Generator().manual_seed(seed)
    return nature_model(nature_weights(actions, generator))


def nature_model(weights: list[Tensor]) -> bytes:
    return to_onnx(_nature_cnn(weights))


def nature_weights(actions: int, generator: torch.Generator) -> list[Tensor]:
    """Of the three convolutions, the hidden layer and the head."""
    shapes = [(32, 4, 8, 8), (64, 32, 4, 4), (64, 64, 3, 3), (512, 3136), (actions, 512)]
    return [random_weights(*shape, generator=generator) for shape in shapes]


def random_weights(*shape: int, generator: torch.Generator) -> Tensor:
    fan_in = torch.Size(shape[1:]).numel()
    return torch.randn(*shape, generator=generator).mul((2 / fan_in) ** 0.5)


def _perceptron(layers: Layers) -> Graph:
    nodes, constants, x = [], {}, "observation"
    for index, (before, weights) in enumerate(layers):
        if before:
            nodes.append(Node(before, (x,), f"active{index}"))
            x = f"active{index}"
        constants[f"weight{index}"] = weights
        nodes.append(Node("Gemm", (x, f"weight{index}"), f"linear{index}"))
        x = f"linear{index}"
    inputs, actions = layers[0][1].shape[1], layers[-1][1].shape[0]
    return Graph((inputs,), tuple(nodes), constants, {"logits": x}, actions)


def _nature_cnn(weights: list[Tensor]) -> Graph:
    constants = {f"weight{index}": weight for index, weight in enumerate(weights)} | {"scale": torch.tensor(255.0)}
    nodes, x = [Node("Div", ("observation", "scale"), "pixels")], "pixels"
    for index, stride in enumerate((4, 2, 1)):
        attributes: dict[str, Attribute] = {
            "strides": (stride, stride),
            "pads": (0, 0, 0, 0),
            "dilations": (1, 1),
            "group": 1,
        }
        nodes += [
            Node("Conv", (x, f"weight{index}"), f"conv{index}", attributes),
            Node("Relu", (f"conv{index}",), f"relu{index}"),
        ]
        x = f"relu{index}"
    nodes += [
        Node("Reshape", (x,), "flat", {"shape": (-1, 3136)}),
        Node("Gemm", ("flat", "weight3"), "hidden"),
        Node("Relu", ("hidden",), "features"),
        Node("Gemm", ("features", "weight4"), "scores"),
    ]
    return Graph((4, 84, 84), tuple(nodes), constants, {"logits": "scores"}, weights[-1].shape[0])
