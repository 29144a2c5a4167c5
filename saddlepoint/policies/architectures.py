"""The layers that plain weights stand for, as nodes of a canonical graph."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isqrt, prod

from torch import Tensor

from saddlepoint.errors import ArchitectureMismatch
from saddlepoint.policies.builder import GraphBuilder, Known, Live
from saddlepoint.policies.graph import Graph

ACTIVATIONS: Mapping[str, Mapping[str, float | str]] = {
    "Celu": {"alpha": 1.0},
    "Elu": {"alpha": 1.0},
    "Gelu": {"approximate": "none"},
    "HardSigmoid": {"alpha": 1 / 6, "beta": 0.5},
    "HardSwish": {},
    "LeakyRelu": {"alpha": 0.01},
    "Mish": {},
    "Relu": {},
    "Selu": {"alpha": 1.6732632423543772, "gamma": 1.0507009873554805},
    "Sigmoid": {},
    "Softplus": {},
    "Softsign": {},
    "Tanh": {},
}
"""Operators that stand after a layer, with the attributes that PyTorch's modules have by default."""

_COMPOSED: Mapping[str, Callable[[GraphBuilder, Live], Live]] = {
    "HardTanh": lambda build, x: build.live("Clip", x, min=-1.0, max=1.0),
    "Identity": lambda build, x: x,
    "LogSigmoid": lambda build, x: build.live("Neg", build.live("Softplus", build.live("Neg", x))),
    "Relu6": lambda build, x: build.live("Clip", x, min=0.0, max=6.0),
    # An operator of ONNX, but newer than the canonical opset.
    "Swish": lambda build, x: build.live("Mul", x, build.live("Sigmoid", x)),
    "TanhShrink": lambda build, x: build.live("Sub", x, build.live("Tanh", x)),
}
"""The same of others, which are no operator of their own."""

NATURE_KERNELS = (8, 4, 3)
NATURE_STRIDES = (4, 2, 1)
"""Mnih et al. 2015, Methods: 32 8x8/4, 64 4x4/2, 64 3x3/1, then 512 units."""


USUAL_SIZES = (84, 64, 96, 128)
"""Sides of the pictures that people train on."""


@dataclass(frozen=True)
class Layer:
    """Weights of a linear layer (out, in) or a convolution (out, in, rows, columns), with its bias (out,)."""

    weight: Tensor
    bias: Tensor | None


def layer_of(tensors: Mapping[str, Tensor], name: str) -> Layer:
    """The layer `name` of a state dict: `<name>.weight` and, where there is one, `<name>.bias`."""
    return Layer(tensor_of(tensors, f"{name}.weight"), tensors.get(f"{name}.bias"))


def tensor_of(tensors: Mapping[str, Tensor], name: str) -> Tensor:
    """The tensor `name`, which must be there."""
    if name not in tensors:
        raise ArchitectureMismatch(f"The weights need an entry {name!r}; there is none. Save the policy again.")
    return tensors[name]


def sequential_of(tensors: Mapping[str, Tensor], prefix: str) -> tuple[list[Layer], Layer]:
    """The layers of a Sequential that ends in a linear one: those with an activation after each, and the last."""
    layers = layers_of(tensors, prefix) or [layer_of(tensors, f"{prefix}.0")]
    return layers[:-1], layers[-1]


def layers_of(tensors: Mapping[str, Tensor], prefix: str) -> list[Layer]:
    """The linear layers `<prefix>.0`, `<prefix>.2`, ... of a torch Sequential with an activation after each."""
    indices = sorted({int(key.split(".")[-2]) for key in tensors if _is_indexed(key, prefix)})
    if indices != list(range(0, 2 * len(indices), 2)):
        raise ArchitectureMismatch(
            f"The layers under {prefix!r} must be numbered 0, 2, 4, ... with an activation after each; these are "
            f"{indices[:8]}. Export the network to ONNX instead."
        )
    layers = [layer_of(tensors, f"{prefix}.{index}") for index in indices]
    if any(layer.weight.ndim != 2 for layer in layers):
        raise ArchitectureMismatch(f"The layers under {prefix!r} must be linear. Export the network to ONNX instead.")
    return layers


def _is_indexed(key: str, prefix: str) -> bool:
    start, _, rest = key.partition(f"{prefix}.")
    index, _, kind = rest.partition(".")
    return not start and index.isdecimal() and len(index) < 4 and kind in ("weight", "bias")


def check_nature(convolutions: Sequence[Layer]) -> None:
    """Raise ArchitectureMismatch unless these can be the convolutions of a Nature CNN."""
    shapes = [tuple(layer.weight.shape) for layer in convolutions]
    expected = [(None, None, kernel, kernel) for kernel in NATURE_KERNELS]
    fits = [len(shape) == 4 and shape[2:] == wanted[2:] for shape, wanted in zip(shapes, expected, strict=True)]
    if not all(fits):
        raise ArchitectureMismatch(
            "The convolutions of a Nature CNN have kernels of 8x8, 4x4 and 3x3 (out, in, rows, columns); these have "
            f"the shapes {shapes}. Export the network to ONNX instead."
        )


def side_after(side: int) -> int:
    """The length that the convolutions of a Nature CNN make of a side."""
    for kernel, stride in zip(NATURE_KERNELS, NATURE_STRIDES, strict=True):
        side = (side - kernel) // stride + 1
    return side


def nature_input(convolutions: Sequence[Layer], hidden: Layer) -> tuple[int, int, int]:
    """The shape (channels, rows, columns) of the square pictures that these weights take.

    Eight neighbouring sizes give the same features: the usual ones are preferred, then one that wastes no pixels.
    """
    channels, maps = convolutions[0].weight.shape[1], convolutions[-1].weight.shape[0]
    features = hidden.weight.shape[-1]
    side = isqrt(features // maps)
    sizes = [size for size in (*USUAL_SIZES, *range(36, 256, 4)) if side_after(size) == side]
    if side * side * maps != features or not sizes:
        raise ArchitectureMismatch(
            f"The layer after the convolutions must take {maps} square maps; it takes {features} numbers. "
            "Export the network to ONNX instead."
        )
    return channels, sizes[0], sizes[0]


def nature_features(build: GraphBuilder, x: Live, convolutions: Sequence[Layer], hidden: Layer) -> Live:
    """The hidden layer of a Nature CNN on scaled pictures, ReLU after everything."""
    for layer, stride in zip(convolutions, NATURE_STRIDES, strict=True):
        strides, pads, dilations = (stride, stride), (0, 0, 0, 0), (1, 1)
        parameters = _parameters(layer)
        x = build.live("Conv", x, *parameters, strides=strides, pads=pads, dilations=dilations, group=1)
        x = build.live("Relu", x)
    return build.live("Relu", linear(build, flattened(build, x), hidden))


def flattened(build: GraphBuilder, x: Live) -> Live:
    """`x` as (N, features), in the order of its axes."""
    shape = x.shapes[0]
    return x if len(shape) == 2 else build.live("Reshape", x, shape=(-1, prod(shape[1:])))


def perceptron(build: GraphBuilder, x: Live, layers: Sequence[Layer], activation: str) -> Live:
    """Linear layers with the activation (a key of ACTIVATIONS or of the composed ones) after each."""
    for layer in layers:
        x = linear(build, x, layer)
        composed = _COMPOSED.get(activation)
        x = composed(build, x) if composed else build.live(activation, x, **ACTIVATIONS[activation])
    return x


def linear(build: GraphBuilder, x: Live, layer: Layer) -> Live:
    """One linear layer."""
    if layer.weight.ndim != 2 or not len(layer.weight) or layer.weight.shape[1] != x.shapes[0][1]:
        raise ArchitectureMismatch(
            f"A linear layer here must take {x.shapes[0][1]} numbers; its weights have the shape "
            f"{list(layer.weight.shape)} (out, in)."
        )
    return build.live("Gemm", x, *_parameters(layer))


def with_value(
    build: GraphBuilder, critic: Live, value: Layer | None, *, next_states: Sequence[Live] = (), **head: Live
) -> Graph:
    """The finished graph of these outputs and, where there is a layer for it, `value` (N,) from the critic's features.

    Only for critics of the state: a value of an action would have to be told which one.
    """
    if value is None:
        return build.finish(next_states=next_states, **head)
    values = linear(build, critic, value)
    if values.shapes[0][1] != 1:
        raise ArchitectureMismatch(
            f"The layer of the value gives one number; this one gives {values.shapes[0][1]}. Save the policy again."
        )
    return build.finish(next_states=next_states, **head, value=build.live("Reshape", values, shape=(-1,)))


def _parameters(layer: Layer) -> list[Known]:
    tensors = [layer.weight] if layer.bias is None else [layer.weight, layer.bias]
    return [Known.of(tensor) for tensor in tensors]
