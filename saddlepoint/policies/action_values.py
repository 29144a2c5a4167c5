"""Q(s, a) of the critics that off-policy methods train beside an actor, as part of the actor's graph."""

from collections.abc import Callable, Sequence
from functools import reduce

import torch

from saddlepoint.errors import ArchitectureMismatch, PolicyRejected, ResourceLimit
from saddlepoint.policies.architectures import Layer, linear, perceptron
from saddlepoint.policies.builder import GraphBuilder, Known, Live


def action_value(
    build: GraphBuilder, features: Live, action: Live, networks: Sequence[Sequence[Layer]], activation: str
) -> Live:
    """(N,): what these networks of features (N, F) and action (N, D), side by side, say of the two.

    The lowest of single numbers, as SAC, TD3 and DDPG learn from; of quantiles (TQC) the mean of all, which its actor
    learns to raise. Raises ArchitectureMismatch.
    """
    x = build.live("Concat", features, _of_every_row(build, features, action), axis=1)
    widths = {layers[-1].weight.shape[0] for layers in networks}
    if len(widths) != 1:
        raise ArchitectureMismatch(
            f"The networks of a critic give equally many numbers each; here these are {sorted(widths)}. Save it again."
        )
    values = [
        linear(build, perceptron(build, x, layers[:-1], activation), _mean_of_outputs(layers[-1]))
        for layers in networks
    ]
    if widths == {1}:
        lowest = reduce(lambda one, other: build.live("Min", one, other), values)
        return build.live("Reshape", lowest, shape=(-1,))
    total = reduce(lambda one, other: build.live("Add", one, other), values)
    mean = build.live("Div", total, Known.of(torch.tensor(float(len(values)))))
    return build.live("Reshape", mean, shape=(-1,))


def if_it_fits(make: Callable[[], Live], guesses: list[str]) -> dict[str, Live]:
    """`action_value`, or nothing: a critic takes no part in acting, so one that cannot be read is left out and told."""
    try:
        return {"action_value": make()}
    except ResourceLimit:
        raise
    except PolicyRejected as error:
        guesses.append(f"critic left out: {error.message}")
        return {}


def _of_every_row(build: GraphBuilder, features: Live, action: Live) -> Live:
    """The action beside every row, added to a zero of it.

    onnxruntime computes all of a model, asked for or not: the single row that stands for an action which nobody gives
    (see `onnx_writer`) has to fit any number of observations.
    """
    nothing = build.live("Mul", features, Known.of(torch.tensor(0.0)))
    return build.live("Add", build.live("ReduceSum", nothing, axes=(1,), keepdims=1), action)


def _mean_of_outputs(layer: Layer) -> Layer:
    """The layer that gives the mean of what `layer` gives, which is linear too."""
    bias = layer.bias
    return Layer(layer.weight.mean(0, keepdim=True), None if bias is None else bias.mean(0, keepdim=True))
