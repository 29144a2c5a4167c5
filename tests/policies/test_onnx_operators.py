"""Every operator an upload may use, in the spellings of its versions: importing compares with onnxruntime itself."""

import io
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from saddlepoint.errors import PolicyRejected
from saddlepoint.policies import load_network
from saddlepoint.policies.lower_recurrent import RECURRENT
from saddlepoint.policies.onnx_operators import LOWERINGS
from tests.policies.networks import imported, vectors
from tests.policies.onnx_models import Array, behind, ints, linear, matrix, model, node

Case = tuple[list[onnx.NodeProto], dict[str, Array], dict[str, Any]]


def one(op: str, *, opset: int = 18, weights: dict[str, Array] | None = None, **attributes: Any) -> Case:
    """x through one operator, whose further inputs are `weights`."""
    weights = weights or {}
    return [node(op, ["x", *weights], ["logits"], **attributes)], weights, {"opset": opset}


def chain(*nodes: onnx.NodeProto, opset: int = 18, **weights: Array) -> Case:
    return list(nodes), weights, {"opset": opset}


def image(*nodes: onnx.NodeProto, opset: int = 18, head: int, **weights: Array) -> Case:
    """Pictures p (N, 2, 6, 6) through nodes that make y, then a linear layer over `head` features."""
    scale = node("Div", ["observation", "255"], ["p"])
    tail = [node("Flatten", ["y"], ["f"]), node("MatMul", ["f", "h"], ["logits"])]
    known = {"255": np.array(255, np.float32), "h": matrix(head, 3)}
    return [scale, *nodes, *tail], {**known, **weights}, {"opset": opset, "shape": ("N", 2, 6, 6)}


FLOATS = np.float32
KERNEL = np.random.default_rng(1).normal(size=(4, 2, 3, 3)).astype(FLOATS)
PAIR = np.array([1.0, 2.0], FLOATS)
VECTOR3 = np.array([0.5, -1.0, 2.0], FLOATS)
UNARY = ("Abs", "Cos", "Erf", "Exp", "Identity", "Neg", "Relu", "Sigmoid", "Sin", "Softplus", "Softsign", "Tanh")

POOLS: list[tuple[str, dict[str, int]]] = [
    ("MaxPool", {}),
    ("AveragePool", {}),
    ("AveragePool", {"count_include_pad": 1}),
]
CEILED: list[tuple[dict[str, list[int]], int, int]] = [
    ({"kernel_shape": [3, 3], "strides": [2, 2]}, 3, 3),
    ({"kernel_shape": [3, 3], "strides": [2, 4], "pads": [1, 0, 1, 0]}, 4, 2),
    ({"kernel_shape": [2, 2], "strides": [3, 3], "pads": [1, 1, 0, 0]}, 3, 3),
]
"""Windows over 6 x 6 pictures and how many there are."""

CASES: dict[str, Case] = {
    **{op: one(op) for op in UNARY},
    "HardSwish": one("HardSwish", opset=14),
    "Mish": one("Mish"),
    "Celu": one("Celu", alpha=0.7),
    "Elu": one("Elu", alpha=0.7),
    "HardSigmoid": one("HardSigmoid", alpha=0.3, beta=0.4),
    "LeakyRelu": one("LeakyRelu", alpha=0.3),
    "Selu": one("Selu"),
    "Shrink": one("Shrink", lambd=0.3, bias=0.1),
    "Sign": chain(node("Sign", ["x"], ["s"]), node("Add", ["x", "s"], ["logits"])),
    "ThresholdedRelu": one("ThresholdedRelu", alpha=0.3),
    "Gelu": one("Gelu", opset=20),
    "Gelu tanh": one("Gelu", opset=20, approximate="tanh"),
    "Swish": one("Swish", opset=24, alpha=0.5),
    "Add": one("Add", weights={"b": VECTOR3}),
    "Sub": one("Sub", weights={"b": VECTOR3}),
    "Mul": one("Mul", weights={"b": VECTOR3}),
    "Div": one("Div", weights={"b": VECTOR3}),
    "PRelu": one("PRelu", weights={"b": VECTOR3}),
    "Max": one("Max", weights={"b": VECTOR3, "c": -VECTOR3}),
    "Min": one("Min", weights={"b": VECTOR3}),
    "Sum": one("Sum", weights={"b": VECTOR3, "c": VECTOR3}),
    "Pow 2": one("Pow", weights={"b": np.array(2, FLOATS)}),
    "Pow 3": one("Pow", weights={"b": np.array(3, np.int64)}),
    "Log, Sqrt, Reciprocal": chain(
        node("Exp", ["x"], ["a"]),
        node("Sqrt", ["a"], ["b"]),
        node("Log", ["b"], ["c"]),
        node("Reciprocal", ["b"], ["d"]),
        node("Add", ["c", "d"], ["logits"]),
    ),
    "Clip 6": one("Clip", opset=6 + 1, min=-0.5, max=0.7),
    "Clip 11": one("Clip", opset=11, weights={"low": np.array(-0.5, FLOATS), "high": np.array(0.7, FLOATS)}),
    "Clip below": chain(node("Clip", ["x", "low"], ["logits"]), low=np.array(-0.5, FLOATS)),
    "Clip above": chain(node("Clip", ["x", "", "high"], ["logits"]), high=np.array(0.5, FLOATS)),
    "Softmax 11": chain(node("Softmax", ["x"], ["p"]), node("Mul", ["p", "b"], ["logits"]), opset=11, b=VECTOR3),
    "Softmax 13": chain(node("Softmax", ["x"], ["p"], axis=-1), node("Mul", ["p", "b"], ["logits"]), b=VECTOR3),
    "LogSoftmax": chain(node("LogSoftmax", ["x"], ["p"]), node("Mul", ["p", "b"], ["logits"]), b=VECTOR3),
    "Softmax over another axis": chain(
        node("Unsqueeze", ["x", "two"], ["a"]),
        node("Softmax", ["a"], ["p"], axis=1),
        node("Squeeze", ["p", "two"], ["q"]),
        node("Mul", ["q", "b"], ["logits"]),
        two=ints(2),
        b=VECTOR3,
    ),
    **{
        f"{op} {opset}": chain(
            node(op, ["x"], ["s"], axes=[1], keepdims=1), node("Sub", ["x", "s"], ["logits"]), opset=opset
        )
        for op, opset in (
            *(("ReduceMean", 13), ("ReduceMax", 13), ("ReduceMin", 11), ("ReduceL2", 13)),
            *(("ReduceL1", 13), ("ReduceSumSquare", 13)),
            *(("ReduceLogSumExp", 13), ("ReduceSum", 11), ("ReduceProd", 13)),
        )
    },
    "ReduceSum 13": chain(
        node("ReduceSum", ["x", "axes"], ["s"], keepdims=0),
        node("Unsqueeze", ["s", "axes"], ["t"]),
        node("Sub", ["x", "t"], ["logits"]),
        axes=ints(-1),
    ),
    "ReduceMean 18": chain(node("ReduceMean", ["x", "axes"], ["s"]), node("Sub", ["x", "s"], ["logits"]), axes=ints(1)),
    "Reduce of nothing": chain(node("ReduceSum", ["x", "axes"], ["logits"], noop_with_empty_axes=1), axes=ints()),
    "Gemm": one("Gemm", weights={"b": matrix(3, 5)}),
    "Gemm with everything": one(
        "Gemm", weights={"b": matrix(5, 3), "c": np.ones((1, 5), FLOATS)}, transB=1, alpha=0.5, beta=2.0
    ),
    "Gemm of constants": chain(
        node("Shape", ["x"], ["n"]),
        node("ConstantOfShape", ["n"], ["zeros"]),
        node("Gemm", ["zeros", "m", "b"], ["held"]),
        node("Add", ["held", "x"], ["logits"]),
        m=matrix(3, 3),
        b=VECTOR3,
    ),
    "Gemm from the left": chain(
        node("Gemm", ["m", "x", "c"], ["t"], transB=1, alpha=0.5, beta=2.0),
        node("Transpose", ["t"], ["logits"]),
        m=matrix(5, 3),
        c=matrix(5, 1),
    ),
    "Gemm of a transposed input": chain(
        node("Transpose", ["x"], ["t"]), node("Gemm", ["t", "m"], ["logits"], transA=1), m=matrix(3, 5)
    ),
    "Gemm with a scalar bias": one("Gemm", weights={"b": matrix(3, 5), "c": np.array(0.5, FLOATS)}),
    "MatMul of three axes": chain(
        node("Unsqueeze", ["x", "one"], ["a"]),
        node("MatMul", ["a", "m"], ["b"]),
        node("Squeeze", ["b", "one"], ["logits"]),
        one=ints(1),
        m=matrix(3, 5),
    ),
    "LayerNormalization": one("LayerNormalization", weights={"s": VECTOR3, "b": VECTOR3}, epsilon=1e-3),
    "LayerNormalization without bias": one("LayerNormalization", weights={"s": VECTOR3}, axis=1),
    "BatchNormalization": one(
        "BatchNormalization",
        opset=15,
        weights={"s": VECTOR3, "b": VECTOR3, "m": VECTOR3, "v": np.abs(VECTOR3)},
        epsilon=1e-3,
    ),
    "Dropout": one("Dropout", opset=11, ratio=0.5),
    "Concat": chain(node("Concat", ["x", "x"], ["logits"], axis=-1)),
    "Split in halves": chain(
        node("Concat", ["x", "x"], ["a"], axis=1),
        node("Split", ["a"], ["b", "c"], axis=1, num_outputs=2),
        node("Mul", ["b", "c"], ["logits"]),
    ),
    "Split 11": chain(node("Split", ["x"], ["a", "logits"], axis=1, split=[1, 2]), opset=11),
    "Split 13": chain(node("Split", ["x", "s"], ["logits", "b"], axis=-1), s=ints(2, 1), opset=13),
    "Slice 9": one("Slice", opset=9, starts=[0], ends=[2], axes=[1]),
    "Slice 13": chain(
        node("Slice", ["x", "s", "e", "a", "t"], ["logits"]), s=ints(-3), e=ints(2**63 - 1), a=ints(-1), t=ints(2)
    ),
    "Slice backwards": chain(
        node("Slice", ["x", "s", "e", "a", "t"], ["logits"]), s=ints(-1), e=ints(-(2**63) + 1), a=ints(1), t=ints(-1)
    ),
    "Slice backwards from before the start": chain(
        node("Slice", ["x", "s", "e", "a", "t"], ["y"]),
        node("Add", ["x", "y"], ["logits"]),
        s=ints(-9),
        e=ints(-9),
        a=ints(-1),
        t=ints(-2),
    ),
    "pads as PyTorch's older exporter turns them": chain(
        node("Reshape", ["pads", "pairs"], ["a"]),
        node("Slice", ["a", "s", "e", "zero", "s"], ["b"]),
        node("Transpose", ["b"], ["c"], perm=[1, 0]),
        node("Reshape", ["c", "s"], ["d"]),
        node("Pad", ["x", "d"], ["logits"]),
        pads=ints(1, 2, 0, 0),
        pairs=ints(-1, 2),
        s=ints(-1),
        e=ints(-(2**63) + 1),
        zero=ints(0),
    ),
    "Gather": chain(node("Gather", ["x", "i"], ["logits"], axis=1), i=ints(2, -3, 0)),
    "Transpose there and back": chain(
        node("Transpose", ["x"], ["t"], perm=[1, 0]), node("Transpose", ["t"], ["logits"])
    ),
    "Flatten": one("Flatten", axis=-1),
    "Reshape": chain(
        node("Reshape", ["x", "wide"], ["a"]),
        node("Reshape", ["a", "narrow"], ["logits"]),
        wide=ints(0, 1, 3),
        narrow=ints(-1, 3),
    ),
    "Unsqueeze and Squeeze 11": chain(
        node("Unsqueeze", ["x"], ["a"], axes=[0, 2]), node("Squeeze", ["a"], ["logits"], axes=[0, 2]), opset=11
    ),
    "Expand": chain(
        node("Unsqueeze", ["x", "one"], ["a"]),
        node("Expand", ["a", "shape"], ["b"]),
        node("Reshape", ["b", "flat"], ["logits"]),
        one=ints(1),
        shape=ints(1, 2, 3),
        flat=ints(-1, 6),
    ),
    "Cast and CastLike": chain(
        node("Cast", ["x"], ["a"], to=TensorProto.DOUBLE),
        node("Cast", ["a"], ["b"], to=TensorProto.FLOAT),
        node("CastLike", ["b", "x"], ["logits"]),
    ),
    "Constant": chain(
        node("Constant", [], ["a"], value_floats=[1.0, 2.0, 3.0]),
        node("Constant", [], ["b"], value_float=0.5),
        node("Constant", [], ["c"], value=numpy_helper.from_array(VECTOR3)),
        node("Mul", ["x", "a"], ["d"]),
        node("Add", ["d", "b"], ["e"]),
        node("Sub", ["e", "c"], ["logits"]),
    ),
    "a shape computed from the batch": chain(
        node("Shape", ["x"], ["s"]),
        node("Constant", [], ["zero"], value_int=0),
        node("Gather", ["s", "zero"], ["n"]),
        node("Constant", [], ["axes"], value_ints=[0]),
        node("Unsqueeze", ["n", "axes"], ["m"]),
        node("Concat", ["m", "rest"], ["target"], axis=0),
        node("Reshape", ["x", "target"], ["logits"]),
        rest=ints(3),
    ),
    "a constant of the shape of the batch": chain(
        node("Shape", ["x"], ["s"]),
        node("ConstantOfShape", ["s"], ["ones"], value=numpy_helper.from_array(np.ones(1, FLOATS))),
        node("Add", ["x", "ones"], ["logits"]),
    ),
    "a constant expanded to the batch": chain(
        node("Shape", ["x"], ["s"]), node("Expand", ["b", "s"], ["c"]), node("Mul", ["x", "c"], ["logits"]), b=VECTOR3
    ),
    "arithmetic on shapes": chain(
        node("Shape", ["x"], ["s"], start=1),
        node("Size", ["b"], ["size"]),
        node("Mul", ["s", "size"], ["product"]),
        node("Div", ["product", "s"], ["quotient"]),
        node("Mod", ["quotient", "two"], ["rest"]),
        node("Equal", ["rest", "two"], ["same"]),
        node("Where", ["same", "two", "quotient"], ["chosen"]),
        node("Cast", ["chosen"], ["float"], to=TensorProto.FLOAT),
        node("Mul", ["x", "float"], ["logits"]),
        b=VECTOR3,
        two=ints(2),
    ),
    "comparisons of constants": chain(
        node("Greater", ["b", "c"], ["g"]),
        node("Less", ["b", "c"], ["l"]),
        node("GreaterOrEqual", ["b", "c"], ["ge"]),
        node("LessOrEqual", ["b", "c"], ["le"]),
        node("And", ["g", "ge"], ["a"]),
        node("Or", ["l", "le"], ["o"]),
        node("Not", ["o"], ["n"]),
        node("Where", ["a", "b", "c"], ["d"]),
        node("Where", ["n", "d", "b"], ["e"]),
        node("Mul", ["x", "e"], ["logits"]),
        b=VECTOR3,
        c=VECTOR3[::-1].copy(),
    ),
    "comparisons of the observation": chain(
        node("Greater", ["x", "b"], ["g"]),
        node("LessOrEqual", ["x", "b"], ["le"]),
        node("GreaterOrEqual", ["x", "c"], ["ge"]),
        node("Less", ["x", "c"], ["l"]),
        node("And", ["g", "ge"], ["a"]),
        node("Or", ["le", "mask"], ["o"]),
        node("Not", ["l"], ["n"]),
        node("Equal", ["x", "b"], ["e"]),
        node("Where", ["a", "x", "c"], ["d"]),
        node("Where", ["o", "d", "b"], ["f"]),
        node("Cast", ["n"], ["float"], to=TensorProto.FLOAT),
        node("CastLike", ["e", "x"], ["like"]),
        node("Add", ["float", "like"], ["sum"]),
        node("Add", ["f", "sum"], ["logits"]),
        b=VECTOR3,
        c=VECTOR3[::-1].copy(),
        mask=np.array([True, False, True]),
    ),
    "Where by a constant": chain(
        node("Where", ["mask", "x", "c"], ["d"]),
        node("Where", ["none", "endless", "d"], ["logits"]),
        c=VECTOR3,
        mask=np.array([True, False, True]),
        none=np.array([False] * 3),
        endless=np.full(3, -np.inf, FLOATS),
    ),
    "ELU as JAX writes it": chain(
        node("Greater", ["x", "zero"], ["is_positive"]),
        node("Where", ["is_positive", "zero", "x"], ["safe"]),
        node("Exp", ["safe"], ["exp"]),
        node("Sub", ["exp", "unit"], ["expm1"]),
        node("Where", ["is_positive", "x", "expm1"], ["logits"]),
        zero=np.array(0, FLOATS),
        unit=np.array(1, FLOATS),
    ),
    "Einsum": one("Einsum", weights={"m": matrix(3, 5)}, equation="ab,bc->ac"),
    "Einsum turned": one("Einsum", weights={"m": matrix(5, 3)}, equation="ab, cb -> ac"),
    "Einsum of three axes": chain(
        node("Unsqueeze", ["x", "one"], ["a"]),
        node("Einsum", ["a", "m"], ["b"], equation="abc,cd->abd"),
        node("Squeeze", ["b", "one"], ["logits"]),
        one=ints(1),
        m=matrix(3, 5),
    ),
    "GatherElements": chain(
        node("Shape", ["x"], ["n"], end=1),
        node("Concat", ["n", "two"], ["shape"], axis=0),
        node("Expand", ["i", "shape"], ["indices"]),
        node("GatherElements", ["x", "indices"], ["logits"], axis=1),
        two=ints(2),
        i=np.array([[2, 0]], np.int64),
    ),
    "Range, Floor, Ceil": chain(
        node("Range", ["start", "limit", "delta"], ["r"]),
        node("Cast", ["r"], ["f"], to=TensorProto.FLOAT),
        node("Mul", ["f", "half"], ["h"]),
        node("Floor", ["h"], ["low"]),
        node("Ceil", ["h"], ["high"]),
        node("Add", ["low", "high"], ["both"]),
        node("Add", ["x", "both"], ["logits"]),
        start=np.array(1, np.int64),
        limit=np.array(7, np.int64),
        delta=np.array(2, np.int64),
        half=np.array(0.5, FLOATS),
    ),
    "Conv": image(node("Conv", ["p", "k"], ["y"]), head=64, k=KERNEL),
    "Conv with everything": image(
        node("Conv", ["p", "k", "b"], ["y"], strides=[2, 1], pads=[1, 0, 2, 1], dilations=[2, 1]),
        head=4 * 3 * 5,
        k=KERNEL,
        b=np.arange(4).astype(FLOATS),
    ),
    "Conv SAME_UPPER": image(node("Conv", ["p", "k"], ["y"], auto_pad="SAME_UPPER", strides=[2, 2]), head=36, k=KERNEL),
    "Conv SAME_LOWER": image(node("Conv", ["p", "k"], ["y"], auto_pad="SAME_LOWER", strides=[2, 2]), head=36, k=KERNEL),
    "Conv VALID in groups": image(node("Conv", ["p", "k"], ["y"], auto_pad="VALID", group=2), head=64, k=KERNEL[:, :1]),
    "MaxPool": image(node("MaxPool", ["p"], ["y"], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]), head=18),
    "MaxPool on one side": image(
        node("MaxPool", ["p"], ["y"], kernel_shape=[2, 2], strides=[2, 2], pads=[0, 0, 1, 1]), head=18
    ),
    "AveragePool": image(node("AveragePool", ["p"], ["y"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]), head=72),
    "AveragePool with the padding": image(
        node("AveragePool", ["p"], ["y"], kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1),
        head=72,
    ),
    "AveragePool with unequal padding": image(
        node("AveragePool", ["p"], ["y"], kernel_shape=[3, 3], pads=[1, 0, 0, 1]), head=2 * 5 * 5
    ),
    **{
        f"{op} {more} beyond the end, {window}": image(
            node(op, ["p"], ["y"], ceil_mode=1, **window, **more), head=2 * rows * columns
        )
        for op, more in POOLS
        for window, rows, columns in CEILED
    },
    **{
        f"{op} {more} of no window in the padding": image(
            node(op, ["p"], ["z"], ceil_mode=1, kernel_shape=[2, 2], strides=[3, 3], pads=[0, 0, 1, 1], **more),
            node("GlobalAveragePool", ["z"], ["y"]),
            head=2,
        )
        for op, more in POOLS
    },
    "InstanceNormalization": image(
        node("InstanceNormalization", ["p", "s", "b"], ["y"], epsilon=1e-3), head=72, s=PAIR, b=-PAIR
    ),
    **{
        f"GroupNormalization {opset}": image(
            node("Concat", ["p", "p"], ["q"], axis=1),
            node("GroupNormalization", ["q", "s", "b"], ["y"], num_groups=2, epsilon=1e-3),
            head=4 * 36,
            opset=opset,
            s=scale,
            b=-scale,
        )
        for opset, scale in ((18, PAIR), (21, np.arange(4).astype(FLOATS)))
    },
    "GlobalAveragePool": image(node("GlobalAveragePool", ["p"], ["y"]), head=2),
    "GlobalMaxPool": image(node("GlobalMaxPool", ["p"], ["y"]), head=2),
    "BatchNormalization of pictures": image(
        node("BatchNormalization", ["p", "s", "b", "m", "v"], ["y"]),
        head=72,
        s=PAIR,
        b=PAIR,
        m=PAIR,
        v=PAIR,
    ),
    **{
        f"Pad by {mode}": image(
            node("Pad", ["p", "widths"], ["y"], mode=mode),
            head=2 * 9 * 7,
            opset=19,
            widths=ints(0, 0, 1, 0, 0, 0, 2, 1),
        )
        for mode in ("edge", "reflect", "wrap")
    },
    "Pad 10": image(node("Pad", ["p"], ["y"], pads=[0, 0, 1, 0, 0, 0, 2, 0], value=0.5), head=2 * 9 * 6, opset=10),
    "Pad 18": image(
        node("Pad", ["p", "widths", "c", "a"], ["y"]),
        head=2 * 6 * 8,
        widths=ints(1, 1),
        c=np.array(0.5, FLOATS),
        a=ints(-1),
    ),
}


def built(case: Case) -> bytes:
    nodes, weights, options = case
    if any("x" in item.input for item in nodes):
        return bytes(behind(*nodes, weights=weights, **options).SerializeToString())
    return bytes(model(nodes, weights, **options).SerializeToString())


@pytest.mark.parametrize("name", CASES)
def test_an_operator_computes_what_onnxruntime_computes(name: str) -> None:
    policy = imported(built(CASES[name]))  # which refuses what differs by more than the stated tolerance
    onnx.checker.check_model(onnx.load(io.BytesIO(policy.model)), full_check=True)


def test_every_operator_is_among_the_cases() -> None:
    used = {item.op_type for nodes, _, _ in CASES.values() for item in nodes}
    assert set(LOWERINGS) == used | {"MatMul", *RECURRENT}


@pytest.mark.parametrize(
    ("case", "code"),
    [
        (one("Hardmax"), "unsupported-operator"),
        (one("Einsum", weights={"m": matrix(3, 3)}, equation="ab,ab->ab"), "unsupported-operator"),
        (one("Einsum", weights={"m": matrix(3, 3)}, equation="ab,bc->abc"), "unsupported-operator"),
        (one("Einsum", weights={"m": VECTOR3}, equation="ab,bc->ac"), "malformed-policy"),
        (one("GatherElements", weights={"i": ints(1, 0)}, axis=1), "malformed-policy"),
        (one("GatherElements", weights={"i": np.array([[1], [0]])}, axis=1), "unsupported-operator"),
        (one("Where", weights={"a": VECTOR3, "b": VECTOR3}), "backend-disagreement"),
        (one("Add", opset=6, weights={"b": VECTOR3}), "unsupported-operator"),
        (one("Softmax", opset=11, axis=0), "unsupported-operator"),
        (one("ReduceSum", axes=[0], keepdims=1, opset=11), "unsupported-architecture"),
        (one("Gather", weights={"i": ints(3)}, axis=1), "malformed-policy"),
        (one("Gather", weights={"i": np.array([0.5], FLOATS)}, axis=1), "malformed-policy"),
        (one("Transpose", perm=[0, 0]), "malformed-policy"),
        (one("Reshape", weights={"s": ints(7, -1)}), "architecture-mismatch"),
        (one("Reshape", weights={"s": ints(-1, -1)}), "architecture-mismatch"),
        (one("Reshape", weights={"s": np.zeros((2000,), np.int64)}), "malformed-policy"),
        (one("Slice", weights={"s": ints(0), "e": ints(2), "a": ints(1), "t": ints(0)}), "malformed-policy"),
        (one("Slice", weights={"s": ints(9), "e": ints(-9), "a": ints(0), "t": ints(-1)}), "unsupported-operator"),
        (one("Pad", weights={"pads": ints(0, 9, 0, 9)}, mode="reflect"), "malformed-policy"),
        (one("Pad", weights={"pads": ints(1, 0, 1, 0)}, mode="edge"), "unsupported-operator"),
        (one("Squeeze", weights={"a": ints(1)}), "architecture-mismatch"),
        (one("MatMul", weights={"m": matrix(5, 5)}), "architecture-mismatch"),
        (one("Cast", to=TensorProto.INT64), "unsupported-operator"),
        (one("Cast", to=TensorProto.STRING), "unsupported-operator"),
        (one("Clip", weights={"low": VECTOR3}), "malformed-policy"),
        (chain(node("Relu", ["nothing"], ["y"]), node("Add", ["x", "y"], ["logits"])), "malformed-policy"),
        (chain(node("Relu", [], ["logits"])), "architecture-mismatch"),
        (chain(node("Relu", ["x", "x"], ["logits"])), "architecture-mismatch"),
        (chain(node("Sub", ["x", "x", "x"], ["logits"])), "architecture-mismatch"),
        (chain(node("Dropout", ["x"], ["y", "logits"])), "unsupported-operator"),
        (image(node("Conv", ["p", "k"], ["y"], strides=[0, 0]), head=9, k=KERNEL), "malformed-policy"),
        (image(node("Conv", ["p", "k"], ["y"], pads=[9999] * 4), head=9, k=KERNEL), "malformed-policy"),
        (image(node("MaxPool", ["p"], ["y"], kernel_shape=[9, 9]), head=9), "architecture-mismatch"),
        (image(node("MaxPool", ["p"], ["y"]), head=9), "malformed-policy"),
        (
            image(node("AveragePool", ["p"], ["y"], kernel_shape=[2, 2], dilations=[2, 2]), head=9),
            "unsupported-operator",
        ),
        (image(node("GroupNormalization", ["p", "s", "s"], ["y"], num_groups=3), head=72, s=PAIR), "malformed-policy"),
        (one("InstanceNormalization", weights={"s": VECTOR3, "b": VECTOR3}), "malformed-policy"),
    ],
)
def test_an_operator_out_of_bounds_is_refused(case: Case, code: str) -> None:
    with pytest.raises(PolicyRejected) as caught:
        imported(built(case))
    assert caught.value.code == code


def test_an_unknown_operator_is_refused_with_all_that_are_known() -> None:
    with pytest.raises(PolicyRejected, match=r"'ScatterND' is not among them.* Abs, Add,.* Where\.$") as caught:
        imported(built(one("ScatterND", weights={"i": ints(0), "u": VECTOR3})))
    assert len(str(caught.value)) < 1500


@pytest.mark.parametrize(
    ("op", "words"),
    [
        ("TopK", "from before one is chosen or sampled"),
        ("IsNaN", "without its check of that"),
        ("Upsample", "resize none within it"),
        ("ScatterND", "Write the layer with operators that are"),
    ],
)
def test_the_way_out_is_one_for_the_operator_that_is_refused(op: str, words: str) -> None:
    with pytest.raises(PolicyRejected, match=words) as caught:
        imported(built(chain(node(op, ["x"], ["y"]), node("Add", ["x", "y"], ["logits"]))))
    assert f"{op!r} is not among them" in str(caught.value)


@pytest.mark.parametrize("domain", ["com.microsoft", "com.microsoft.nchwc"])
def test_an_operator_of_onnxruntimes_own_is_refused_with_where_it_came_from(domain: str) -> None:
    fused = node("FusedConv", ["x"], ["logits"], domain=domain)
    file = built(([fused], {}, {"domains": [helper.make_opsetid(domain, 1)]}))
    with pytest.raises(PolicyRejected, match=r"FusedConv' is not among them\. Take the model from before onnxruntime"):
        imported(file)


def test_model_local_functions_are_inlined() -> None:
    own = [helper.make_opsetid("", 18), helper.make_opsetid("own", 1)]
    dense = helper.make_function(
        "own", "Dense", ["x", "w"], ["y"], [node("MatMul", ["x", "w"], ["m"]), node("Tanh", ["m"], ["y"])], own
    )
    call = helper.make_node("Dense", ["observation", "w"], ["logits"], domain="own")
    policy = imported(model([call], {"w": matrix()}, functions=[dense], domains=own[1:]).SerializeToString())
    expected = np.tanh(vectors(3).numpy() @ matrix())
    np.testing.assert_allclose(load_network(policy.model)(vectors(3)).logits.numpy(), expected, atol=1e-6)


@pytest.mark.parametrize("batch", [1, 5, "N", "batch_size"])
def test_any_stated_batch_becomes_any_number_of_rows(batch: int | str) -> None:
    network = load_network(imported(linear(shape=(batch, 4)).SerializeToString()).model)
    np.testing.assert_allclose(network(vectors(3)).logits.numpy(), vectors(3).numpy() @ matrix(), atol=1e-6)


def test_a_model_of_bare_observations_takes_any_number_of_rows() -> None:
    policy = imported(linear(shape=(4,)).SerializeToString())
    logits = load_network(policy.model)(vectors(3)).logits.numpy()
    np.testing.assert_allclose(logits, vectors(3).numpy() @ matrix(), atol=1e-6)
    assert policy.card.observation.shape == (4,)
    assert any("without a batch axis" in guess for guess in policy.card.guesses)


def test_a_model_of_bare_observations_that_mixes_rows_is_refused() -> None:
    with pytest.raises(PolicyRejected):
        imported(behind(node("Softmax", ["x"], ["logits"], axis=0), shape=(4,)).SerializeToString())


@pytest.mark.parametrize(
    "options",
    [
        {"shape": ("N",)},
        {"shape": ()},
        {"shape": ("N", "features")},
        {"shape": ("N", 0)},
        {"element": TensorProto.INT64},
        {"element": TensorProto.STRING},
        {"inputs": ("a", "b")},
        {"outputs": ("mean",)},
        {"outputs": ("log_std",)},
        {"outputs": ("next_state_0",)},
    ],
)
def test_contracts_that_do_not_fit_are_refused(options: dict[str, Any]) -> None:
    output = options.get("outputs", ("logits",))[0]
    source = options.get("inputs", ("observation",))[0]
    product = node("MatMul", [source, "w"], [output])
    with pytest.raises(PolicyRejected) as caught:
        imported(model([product], {"w": matrix()}, **options).SerializeToString())
    assert caught.value.code == "unsupported-architecture"


def test_an_input_for_recurrent_state_is_refused_by_name() -> None:
    nodes = [node("MatMul", ["observation", "w"], ["x"]), node("Add", ["x", "state_h"], ["logits"])]
    with pytest.raises(PolicyRejected, match="'state_h'"):
        imported(model(nodes, {"w": matrix()}, inputs=("observation", "state_h")).SerializeToString())


def test_an_unused_input_does_not_matter_and_a_likely_one_is_a_guess() -> None:
    product = node("MatMul", ["obs:0", "w"], ["logits"])
    policy = imported(model([product], {"w": matrix()}, inputs=("obs:0", "seq_lens")).SerializeToString())
    assert policy.card.guesses == ["input 'obs?0' taken as the observation"]


def test_several_candidates_for_logits_need_the_card() -> None:
    nodes = [node("MatMul", ["observation", "w"], [name]) for name in ("one", "two")]
    data = model(nodes, {"w": matrix()}, outputs=("one", "two")).SerializeToString()
    with pytest.raises(PolicyRejected, match='"outputs"'):
        imported(data)
    assert imported(data, outputs={"logits": "two"}).card.actions == 3


def test_probabilities_become_logits() -> None:
    data = behind(node("Softmax", ["x"], ["probabilities"], axis=1), outputs=("probabilities",)).SerializeToString()
    policy = imported(data)
    logits = load_network(policy.model)(vectors(3)).logits.numpy()
    np.testing.assert_allclose(logits, vectors(3).numpy() @ matrix(), atol=1e-6)
    assert len(policy.card.guesses) == 2


def test_a_column_beside_the_logits_is_taken_as_value() -> None:
    nodes = [node("MatMul", ["observation", "w"], ["scores"]), node("MatMul", ["observation", "v"], ["other"])]
    weights = {"w": matrix(), "v": matrix(4, 1)}
    outputs = load_network(imported(model(nodes, weights, outputs=("scores", "other")).SerializeToString()).model)(
        vectors(3)
    )
    assert outputs.value is not None
    np.testing.assert_allclose(outputs.value.numpy(), (vectors(3).numpy() @ weights["v"])[:, 0], atol=1e-6)
