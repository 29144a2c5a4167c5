"""What is rewritten for speed computes the same; what cannot be is left alone."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from saddlepoint.policies.builder import GraphBuilder, Known, Live
from saddlepoint.policies.graph import Graph
from saddlepoint.policies.network import PolicyNetwork
from saddlepoint.policies.rewrites import fold_input_scale, space_to_depth
from tests.policies.graphs import weights


def conv(build: GraphBuilder, x: Live, kernel: Known, stride: int, pad: int = 0, dilation: int = 1) -> Live:
    return build.live("Conv", x, kernel, strides=(stride,) * 2, pads=(pad,) * 4, dilations=(dilation,) * 2, group=1)


def headed(build: GraphBuilder, x: Live) -> Graph:
    """With a linear head over whatever x is."""
    flat = build.live("Reshape", x, shape=(-1, torch.Size(x.shapes[0][1:]).numel()))
    return build.finish(logits=build.live("Gemm", flat, weights(3, flat.shapes[0][1])))


def picture(size: int = 12, kernel: Sequence[int] = (4, 4), stride: int = 2, pad: int = 0, dilation: int = 1) -> Graph:
    build = GraphBuilder((2, size, size))
    return headed(build, conv(build, build.observation, weights(5, 2, *kernel), stride, pad, dilation))


def pixels(rows: int, *shape: int) -> Tensor:
    return torch.rand(rows, *shape, generator=torch.Generator().manual_seed(0)) * 255


@pytest.mark.parametrize(
    ("graph", "block"),
    [
        (picture(), 2),
        (picture(kernel=(8, 8), stride=4), 4),
        (picture(kernel=(2, 4)), 2),
        (picture(kernel=(3, 3)), 1),
        (picture(size=13), 1),
        (picture(stride=1), 1),
        (picture(pad=1), 1),
        (picture(dilation=2), 1),
    ],
)
def test_a_strided_convolution_becomes_one_over_patches_where_that_is_exact(graph: Graph, block: int) -> None:
    rewritten = space_to_depth(graph)
    assert rewritten.block == block
    network = PolicyNetwork(graph)
    x = pixels(3, *graph.observation_shape)
    kernel = next(value for value in graph.constants.values() if value.ndim == 4)
    attributes = graph.nodes[0].attributes
    features = torch.nn.functional.conv2d(
        x,
        kernel,
        stride=attributes["strides"],  # type: ignore[arg-type]
        padding=attributes["pads"][0],  # type: ignore[index, arg-type]
        dilation=attributes["dilations"],  # type: ignore[arg-type]
    )
    head = next(value for value in graph.constants.values() if value.ndim == 2)
    torch.testing.assert_close(network(x).logits, features.flatten(1) @ head.T, atol=1e-2, rtol=1e-4)


def test_two_convolutions_of_one_stride_are_rewritten_together() -> None:
    build = GraphBuilder((2, 12, 12))
    one = conv(build, build.observation, weights(5, 2, 4, 4), 2)
    other = conv(build, build.observation, weights(5, 2, 2, 2), 2)
    pooled = build.live("Slice", other, starts=(0, 0), ends=(5, 5), axes=(2, 3), steps=(1, 1))
    assert space_to_depth(headed(build, build.live("Add", one, pooled))).block == 2


def test_an_observation_read_in_two_ways_stays_in_order() -> None:
    build = GraphBuilder((2, 12, 12))
    features = build.live("ReduceMean", conv(build, build.observation, weights(2, 2, 4, 4), 2), axes=(2, 3), keepdims=0)
    mean = build.live("ReduceMean", build.observation, axes=(2, 3), keepdims=0)
    assert space_to_depth(headed(build, build.live("Add", features, mean))).block == 1


@pytest.mark.parametrize(("op", "number"), [("Div", 255.0), ("Mul", 1 / 255)])
def test_a_scale_goes_into_the_weights(op: str, number: float) -> None:
    build = GraphBuilder((2, 12, 12))
    scaled = build.live(op, build.observation, Known.of(torch.tensor(number)))
    graph = headed(build, conv(build, scaled, weights(5, 2, 4, 4), 2))
    folded = fold_input_scale(graph)
    assert [node.op for node in folded.nodes] == ["Conv", "Reshape", "Gemm"]
    plain = picture()
    x = pixels(3, 2, 12, 12)
    torch.testing.assert_close(
        PolicyNetwork(folded)(x).logits, PolicyNetwork(plain)(x / 255).logits, atol=1e-5, rtol=1e-5
    )


def test_a_scale_that_something_else_reads_stays() -> None:
    build = GraphBuilder((4,))
    scaled = build.live("Div", build.observation, Known.of(torch.tensor(2.0)))
    graph = build.finish(logits=build.live("Add", build.live("Gemm", scaled, weights(4, 4)), scaled))
    assert fold_input_scale(graph) == graph


def test_a_division_by_a_vector_stays() -> None:
    build = GraphBuilder((4,))
    scaled = build.live("Div", build.observation, weights(4))
    graph = build.finish(logits=build.live("Gemm", scaled, weights(3, 4)))
    assert fold_input_scale(graph) == graph
