"""The steps of a graph: what is put in chains, and that nothing else changes."""

import pytest
import torch

from saddlepoint.policies.builder import GraphBuilder, Known, Live
from saddlepoint.policies.chains import Chain, Layer
from saddlepoint.policies.graph import Graph
from saddlepoint.policies.network import PolicyNetwork
from saddlepoint.policies.program import Programs, Step, run_
from tests.policies.graphs import run, weights
from tests.policies.networks import vectors


def hidden(build: GraphBuilder, x: Live, width: int = 8) -> Live:
    return build.live("Gemm", x, weights(width, x.shapes[0][1]), weights(width))


def one_chain() -> Graph:
    build = GraphBuilder((6,))
    features = build.live("Tanh", hidden(build, build.live("Relu", hidden(build, build.observation))))
    return build.finish(logits=hidden(build, features, 3))


def with_value() -> Graph:
    build = GraphBuilder((6,))
    features = build.live("Relu", hidden(build, build.observation))
    value = build.live("Reshape", hidden(build, features, 1), shape=(-1,))
    return build.finish(logits=hidden(build, features, 3), value=value)


def residual() -> Graph:
    build = GraphBuilder((6,))
    features = hidden(build, build.observation)
    sum_ = build.live("Add", features, hidden(build, build.live("Relu", features)))
    return build.finish(logits=hidden(build, build.live("Relu", sum_), 3))


def read_before_its_relu() -> Graph:
    build = GraphBuilder((6,))
    logits = hidden(build, build.observation, 3)
    value = build.live("ReduceSum", build.live("Relu", logits), axes=(1,), keepdims=0)
    return build.finish(logits=logits, value=value)


GRAPHS = {"one chain": one_chain(), "value": with_value(), "residual": residual(), "relu": read_before_its_relu()}


def steps_of(graph: Graph) -> tuple[Step, ...]:
    return Programs(graph.constants).program(graph)


@pytest.mark.parametrize("kind", GRAPHS)
def test_a_program_computes_what_the_graph_does_and_its_gradient(kind: str) -> None:
    graph = GRAPHS[kind]
    x, leaf = (vectors(4, size=6).double().requires_grad_() for _ in range(2))
    constants = {name: value.double() for name, value in graph.constants.items()}
    values = {**constants, "observation": x}
    run_(Programs(constants).program(graph), values)
    expected = run(Graph(**{**vars(graph), "constants": constants}), leaf)
    for name, source in graph.outputs.items():
        torch.testing.assert_close(values[source], expected[name], atol=1e-12, rtol=1e-12)
    found = torch.stack([values[source].square().sum() for source in graph.outputs.values()]).sum()
    wanted = torch.stack([part.square().sum() for part in expected.values()]).sum()
    of_x, of_leaf = torch.autograd.grad(found, x), torch.autograd.grad(wanted, leaf)
    torch.testing.assert_close(of_x, of_leaf, atol=1e-10, rtol=1e-10)


def layers(step: Step) -> list[Layer]:
    """Of a chain; none of another step."""
    return list(step.compute.layers) if isinstance(step.compute, Chain) else []


def test_layers_that_follow_each_other_are_one_chain_and_take_their_relu_in() -> None:
    (step,) = steps_of(GRAPHS["one chain"])
    kinds = [type(layer).__name__ for layer in layers(step)]
    assert kinds == ["Linear", "Linear", "Tanh", "Linear"]
    assert [getattr(layer, "relu", None) for layer in layers(step)] == [True, False, None, False]


def test_what_is_read_twice_ends_a_chain() -> None:
    body, *heads = steps_of(GRAPHS["value"])
    assert len(layers(body)) == 1
    assert sorted(len(layers(head)) for head in heads) == [1, 2]


def test_an_output_is_not_hidden_by_the_relu_that_reads_it() -> None:
    first, *_ = steps_of(GRAPHS["relu"])
    assert first.output == GRAPHS["relu"].outputs["logits"]
    assert [getattr(layer, "relu", None) for layer in layers(first)] == [False]


@pytest.mark.parametrize("kind", GRAPHS)
def test_a_network_gives_its_derivative_where_it_is_one_chain(kind: str) -> None:
    network = PolicyNetwork(GRAPHS[kind])
    x = vectors(4, size=6)
    pair = network.vjp(x)
    assert (pair is None) == (kind == "residual")
    if pair is None:
        return
    leaf = x.clone().requires_grad_()
    head, pull_back = pair
    expected = network.forward_attack(leaf).head
    gradient = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    assert torch.equal(head, expected)
    assert torch.equal(pull_back(gradient), torch.autograd.grad(expected, leaf, gradient)[0])


def test_a_head_of_two_outputs_is_no_chain_even_where_both_are_one() -> None:
    build = GraphBuilder((6,))
    both = build.live("Gemm", build.observation, Known.of(torch.ones(3, 6)))
    network = PolicyNetwork(build.finish(mean=both, log_std=both))
    assert network.vjp(vectors(4, size=6)) is None
    assert network(vectors(4, size=6)).head.shape == (4, 6)


def test_a_network_that_is_moved_computes_with_the_weights_it_has_then() -> None:
    network = PolicyNetwork(GRAPHS["one chain"])
    x = vectors(4, size=6)
    before = network(x).head
    network.double()
    network.dtype = torch.float64
    after = network.forward_attack(x.double()).head
    assert after.dtype == torch.float64
    torch.testing.assert_close(after.float(), before, atol=1e-5, rtol=1e-5)
