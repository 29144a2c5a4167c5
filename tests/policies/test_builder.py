"""Graphs are built with every shape known, constants folded and bounded."""

from typing import Any

import pytest
import torch

from saddlepoint.errors import (
    ArchitectureMismatch,
    NonFiniteWeights,
    ResourceLimit,
    UnsupportedArchitecture,
    UnsupportedOperator,
)
from saddlepoint.policies import builder
from saddlepoint.policies.builder import GraphBuilder, Known, Live
from saddlepoint.policies.operators import OPERATORS, compute
from saddlepoint.policies.shapes import broadcast_shape


def known(*numbers: float) -> Known:
    return Known.of(torch.tensor(numbers))


def test_shapes_follow_the_batch() -> None:
    build = GraphBuilder((4,))
    product = build.live("Gemm", build.observation, Known.of(torch.ones(3, 4)))
    assert build.observation.shapes == ((2, 4), (3, 4))
    assert product.shapes == ((2, 3), (3, 3))


def test_constants_alone_are_computed_at_once() -> None:
    build = GraphBuilder((4,))
    total = build.apply("Add", known(1.0, 2.0), known(10.0))
    assert isinstance(total, Known)
    assert total.at[0].tolist() == [11.0, 12.0]
    assert build.finish(logits=build.observation).nodes == ()


def test_what_no_output_needs_is_dropped() -> None:
    build = GraphBuilder((4,))
    build.live("Relu", build.live("Mul", build.observation, known(2.0)))
    graph = build.finish(logits=build.live("Mul", build.observation, known(3.0)))
    assert [node.op for node in graph.nodes] == ["Mul"]
    assert [value.tolist() for value in graph.constants.values()] == [[3.0]]


def test_transposes_that_cancel_leave_nothing() -> None:
    build = GraphBuilder((2, 3, 4))
    there = build.live("Transpose", build.observation, perm=(0, 2, 3, 1))
    assert there.shapes[0] == (2, 3, 4, 2)
    assert build.live("Transpose", there, perm=(0, 3, 1, 2)) == build.observation


def test_reshapes_in_a_row_are_one() -> None:
    build = GraphBuilder((2, 3, 4))
    flat = build.live("Reshape", build.live("Reshape", build.observation, shape=(-1, 6, 4)), shape=(-1, 24))
    assert [node.inputs for node in build.finish(logits=flat).nodes] == [("observation",)]


def test_a_constant_that_was_freed_is_not_taken_for_the_next() -> None:
    build = GraphBuilder((4,))
    x = build.observation
    for number in range(50):
        x = build.live("Add", x, Known.of(torch.full((4,), float(number)).double()))
    constants = build.finish(logits=x).constants
    assert sorted(float(value[0]) for value in constants.values()) == [float(number) for number in range(50)]


def test_a_constant_may_repeat_itself_along_the_batch_at_any_axis() -> None:
    build = GraphBuilder((2, 4))
    turned = build.live("Transpose", build.observation, perm=(1, 0, 2))
    repeated = Known((torch.ones(1, 2, 4), torch.ones(1, 3, 4)))
    total = build.live("Add", turned, repeated)
    assert total.shapes == ((2, 2, 4), (2, 3, 4))
    flat = build.live("Reshape", build.live("Transpose", total, perm=(1, 0, 2)), shape=(-1, 8))
    assert [tuple(value.shape) for value in build.finish(logits=flat).constants.values()] == [(1, 1, 4)]


def test_a_state_is_an_input_and_an_output() -> None:
    build = GraphBuilder((4,))
    state = build.state((1, 4))
    held = build.live("Reshape", state, shape=(-1, 4))
    total = build.live("Add", build.observation, held)
    graph = build.finish(logits=total, next_states=[build.live("Reshape", total, shape=(-1, 1, 4))])
    assert graph.states == ((1, 4),)
    assert graph.outputs.keys() == {"logits", "next_state_0"}
    assert [node.inputs for node in graph.nodes if node.op == "Add"] == [("observation", "v0")]


@pytest.mark.parametrize("next_shapes", [[], [(4,), (4,)], [(2, 2)]])
def test_states_become_states_of_their_shapes(next_shapes: list[tuple[int, ...]]) -> None:
    build = GraphBuilder((4,))
    build.state((4,))
    then = [build.live("Reshape", build.observation, shape=(-1, *shape)) for shape in next_shapes]
    with pytest.raises(ArchitectureMismatch):
        build.finish(logits=build.observation, next_states=then)


@pytest.mark.parametrize("shape", [(), (0,), (2**21,)])
def test_states_have_fixed_shapes_of_a_sensible_size(shape: tuple[int, ...]) -> None:
    with pytest.raises(UnsupportedArchitecture):
        GraphBuilder((4,)).state(shape)


def test_the_number_of_states_is_bounded() -> None:
    build = GraphBuilder((4,))
    for _ in range(builder.MAX_STATES):
        build.state((1,))
    with pytest.raises(UnsupportedArchitecture):
        build.state((1,))


def test_bytes_may_be_moved_but_not_computed_with() -> None:
    build = GraphBuilder((2, 3), as_bytes=True)
    turned = build.live("Transpose", build.observation, perm=(0, 2, 1))
    assert turned.is_bytes
    with pytest.raises(UnsupportedOperator):
        build.live("Mul", turned, known(2.0))


@pytest.mark.parametrize("shape", [(), (0,), (-1, 4), (2**23,)])
def test_observations_have_fixed_shapes_of_a_sensible_size(shape: tuple[int, ...]) -> None:
    with pytest.raises(UnsupportedArchitecture):
        GraphBuilder(shape)


def test_a_wrong_shape_is_a_mismatch_with_both_named() -> None:
    build = GraphBuilder((4,))
    with pytest.raises(ArchitectureMismatch, match=r"Gemm cannot take the shapes \[2, 4\], \[3, 5\]"):
        build.live("Gemm", build.observation, Known.of(torch.ones(3, 5)))


def test_an_operator_out_of_the_list_is_refused() -> None:
    build = GraphBuilder((4,))
    with pytest.raises(UnsupportedOperator):
        build.live("Loop", build.observation)


def test_a_constant_may_not_grow_beyond_the_bound() -> None:
    build = GraphBuilder((4,))
    column = Known.of(torch.ones(4096, 1))
    with pytest.raises(ResourceLimit):
        build.apply("MatMul", column, Known.of(torch.ones(1, 4096)))


def test_a_value_may_not_grow_beyond_the_bound() -> None:
    build = GraphBuilder((4,))
    with pytest.raises(ResourceLimit):
        build.live("Expand", build.observation, shape=(2**22, 1, 4))


def test_the_number_of_operations_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builder, "MAX_NODES", 3)
    build = GraphBuilder((4,))
    x = build.observation
    for _ in range(3):
        x = build.live("Relu", x)
    with pytest.raises(ResourceLimit):
        build.live("Relu", x)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), 1e39])
def test_constants_are_finite(bad: float) -> None:
    build = GraphBuilder((1,))
    with pytest.raises(NonFiniteWeights):
        build.live("Add", build.observation, Known.of(torch.tensor([bad], dtype=torch.float64)))


def test_a_constant_may_not_depend_on_the_batch_unless_it_broadcasts() -> None:
    build = GraphBuilder((4,))
    same = Known((torch.ones(2, 4), torch.ones(3, 4)))
    assert build.live("Add", build.observation, same).shapes[0] == (2, 4)
    with pytest.raises(UnsupportedArchitecture):
        build.live("Add", build.observation, Known((torch.tensor(2.0), torch.tensor(3.0))))


PICTURE = (2, 3, 7, 8)
POOL = {"kernel_shape": (3, 2), "strides": (2, 2), "pads": (1, 1, 1, 1), "count_include_pad": 0}
WINDOW: dict[str, Any] = {"strides": (2, 1), "pads": (1, 0, 0, 1), "dilations": (1, 2)}
SHAPES: list[tuple[str, list[tuple[int, ...]], dict[str, Any]]] = [
    ("Conv", [PICTURE, (5, 3, 3, 2), (5,)], {**WINDOW, "group": 1}),
    ("MaxPool", [PICTURE], {"kernel_shape": (3, 2), **WINDOW}),
    (
        "AveragePool",
        [PICTURE],
        {"kernel_shape": (3, 2), "strides": (2, 2), "pads": (1, 1, 1, 1), "count_include_pad": 0},
    ),
    ("MatMul", [(2, 4), (4,)], {}),
    ("MatMul", [(4,), (5, 4, 2)], {}),
    ("MatMul", [(6, 1, 2, 4), (5, 4, 3)], {}),
    ("Gather", [(4, 5), (2, 3)], {"axis": 1}),
    ("Slice", [(4, 5)], {"starts": (1, -9), "ends": (-1, 99), "axes": (0, 1), "steps": (2, 3)}),
    ("ReduceMax", [PICTURE], {"axes": (1, 3), "keepdims": 0}),
    ("ReduceMax", [PICTURE], {"axes": (1, 3), "keepdims": 1}),
    ("ReduceProd", [PICTURE], {"axes": (1, 3), "keepdims": 0}),
    ("Pad", [(2, 3)], {"pads": (0, 1, 2, 3), "value": 0.0}),
    ("Pad", [(2, 3)], {"pads": (0, -1, 0, 0), "value": 0.0}),
    ("Concat", [(2, 3), (2, 5)], {"axis": 1}),
    ("Reshape", [(2, 6)], {"shape": (-1, 3)}),
    ("Transpose", [(2, 3, 4)], {"perm": (2, 0, 1)}),
    ("Expand", [(3, 1)], {"shape": (2, 1, 4)}),
    ("LayerNormalization", [(2, 3, 4), (4,), (3, 4)], {"axis": 1, "epsilon": 1e-5}),
    ("PRelu", [(2, 3), (3,)], {}),
    ("Max", [(2, 3), (3,), (1, 1)], {}),
    ("Greater", [(2, 3), (3,)], {}),
]


@pytest.mark.parametrize(("op", "inputs", "attributes"), SHAPES)
def test_the_rules_tell_the_shapes_that_are_computed(
    op: str, inputs: list[tuple[int, ...]], attributes: dict[str, Any]
) -> None:
    kinds = [torch.int64 if op == "Gather" and at else torch.float32 for at in range(len(inputs))]
    tensors = [torch.zeros(shape, dtype=kind) for shape, kind in zip(inputs, kinds, strict=True)]
    assert OPERATORS[op].shape(*inputs, **attributes) == tuple(compute(op, tensors, attributes).shape)


def test_shapes_that_do_not_broadcast_are_an_error() -> None:
    assert broadcast_shape((3, 1), (2, 1, 4)) == (2, 3, 4)
    with pytest.raises(ValueError, match="do not fit"):
        broadcast_shape((3,), (4,))


def test_a_live_value_is_its_name() -> None:
    assert GraphBuilder((4,)).observation == Live("observation", ((2, 4), (3, 4)))
