"""Features that are flattened as they lie give the same outputs."""

import pytest
import torch

from saddlepoint.policies.builder import GraphBuilder, Live
from saddlepoint.policies.flatten import flatten_channels_last, value_shapes
from saddlepoint.policies.graph import Graph
from tests.policies.graphs import run, weights


def features(build: GraphBuilder) -> Live:
    return build.live(
        "Conv", build.observation, weights(3, 2, 2, 2), strides=(1, 1), pads=(0,) * 4, dilations=(1, 1), group=1
    )


def flattened(build: GraphBuilder, x: Live) -> Live:
    return build.live("Reshape", x, shape=(-1, torch.Size(x.shapes[0][1:]).numel()))


def headed(build: GraphBuilder, flat: Live, outputs: int = 3) -> Live:
    return build.live("Gemm", flat, weights(outputs, flat.shapes[0][1]), weights(outputs))


def operators(graph: Graph) -> list[str]:
    return [node.op for node in graph.nodes]


def after(*unary: str) -> Graph:
    build = GraphBuilder((2, 5, 4))
    x = features(build)
    for op in unary:
        x = build.live(op, x)
    return build.finish(logits=headed(build, flattened(build, x)))


def with_value() -> Graph:
    """One flattening read by two layers."""
    build = GraphBuilder((2, 5, 4))
    flat = flattened(build, features(build))
    return build.finish(logits=headed(build, flat), value=headed(build, flat, outputs=1))


def residual() -> Graph:
    build = GraphBuilder((2, 5, 4))
    x = features(build)
    return build.finish(logits=headed(build, flattened(build, build.live("Add", x, build.live("Relu", x)))))


def pooled() -> Graph:
    build = GraphBuilder((2, 5, 4))
    window = {"kernel_shape": (2, 2), "strides": (1, 1), "pads": (0,) * 4, "dilations": (1, 1)}
    return build.finish(logits=headed(build, flattened(build, build.live("MaxPool", features(build), **window))))


@pytest.mark.parametrize(
    "graph",
    [
        pytest.param(after(), id="a convolution"),
        pytest.param(after("Relu"), id="one with a rectifier"),
        pytest.param(after("Tanh", "Relu"), id="elementwise operators"),
        pytest.param(with_value(), id="two readers"),
        pytest.param(residual(), id="a sum"),
        pytest.param(pooled(), id="a pooling"),
    ],
)
def test_the_outputs_stay_the_same(graph: Graph) -> None:
    rewritten = flatten_channels_last(graph)
    observation = torch.randn(4, 2, 5, 4, generator=torch.Generator().manual_seed(0))
    for name, expected in run(graph, observation).items():
        torch.testing.assert_close(run(rewritten, observation)[name], expected)
    assert operators(rewritten).count("Transpose") == 1


def pictures_themselves() -> Graph:
    """Not of a convolution: as they came, channels first."""
    build = GraphBuilder((2, 5, 4))
    return build.finish(logits=headed(build, flattened(build, build.live("Relu", build.observation))))


def turned() -> Graph:
    build = GraphBuilder((2, 5, 4))
    moved = build.live("Transpose", features(build), perm=(0, 2, 3, 1))
    return build.finish(logits=headed(build, flattened(build, moved)))


def read_by_something_else() -> Graph:
    build = GraphBuilder((2, 5, 4))
    flat = flattened(build, features(build))
    return build.finish(logits=headed(build, build.live("Softmax", flat, axis=1)))


def partly_flattened() -> Graph:
    build = GraphBuilder((2, 5, 4))
    rows = build.live("Reshape", features(build), shape=(-1, 3, 12))
    return build.finish(logits=headed(build, build.live("ReduceMean", rows, axes=(1,), keepdims=0)))


def logits_themselves() -> Graph:
    build = GraphBuilder((2, 5, 4))
    flat = flattened(build, features(build))
    return build.finish(logits=flat, value=headed(build, flat, outputs=1))


@pytest.mark.parametrize(
    "graph", [pictures_themselves(), turned(), read_by_something_else(), partly_flattened(), logits_themselves()]
)
def test_anything_else_is_left_alone(graph: Graph) -> None:
    assert flatten_channels_last(graph) == graph


def test_shapes_are_those_of_the_values() -> None:
    graph = with_value()
    shapes = value_shapes(graph)
    values = run(graph, torch.zeros(2, 2, 5, 4))
    assert shapes[graph.outputs["logits"]] == tuple(values["logits"].shape)
    assert shapes[graph.nodes[0].output] == (2, 3, 4, 3)
