"""Models that would do harm are refused for what they are, fast and with nothing read or written."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from saddlepoint.errors import ExternalDataForbidden, MalformedPolicy, PolicyRejected
from saddlepoint.policies import load_network
from tests.policies.networks import imported, vectors, zipped
from tests.policies.onnx_models import behind, ints, linear, matrix, model, node


@pytest.mark.parametrize(
    ("made", "what"),
    [
        (model([node("MatMul", ["observation", "mean"], ["mean"])], {"mean": matrix()}, outputs=("mean",)), "a weight"),
        (model([node("Neg", ["mean"], ["mean"])], {}, inputs=("mean",), outputs=("mean",)), "an input"),
        (model([node("Neg", ["observation"], ["mean"])] * 2, {}, outputs=("mean",)), "two results"),
        (model([node("Neg", ["mean"], ["logits"])], {}, inputs=("mean", "mean")), "two inputs"),
    ],
)
def test_a_name_of_two_values_is_refused_with_how_it_comes_about(made: onnx.ModelProto, what: str) -> None:
    with pytest.raises(MalformedPolicy, match=rf"'mean' stands for {what}.* Rename the one or the other"):
        imported(made.SerializeToString(), outputs={"action": "mean"})


def external(
    location: str = "w.data", offset: str | None = None, length: str | None = None, base: onnx.ModelProto | None = None
) -> onnx.ModelProto:
    """A linear model whose weights lie in another file."""
    base = base or linear()
    make_external(base.graph.initializer[0], location, offset, length)
    return base


def make_external(tensor: TensorProto, location: str, offset: str | None = None, length: str | None = None) -> None:
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", offset), ("length", length)):
        if value is not None:
            tensor.external_data.add(key=key, value=value)


def in_attribute() -> onnx.ModelProto:
    tensor = numpy_helper.from_array(matrix(), "w")
    make_external(tensor, "w.data")
    return model([node("Constant", [], ["w"], value=tensor), node("MatMul", ["observation", "w"], ["logits"])], {})


def in_subgraph() -> onnx.ModelProto:
    inner = linear().graph
    make_external(inner.initializer[0], "w.data")
    branch = helper.make_graph(inner.node, "inner", [], inner.output, inner.initializer)
    nodes = [
        node("If", ["flag"], ["other"], then_branch=branch, else_branch=branch),
        node("MatMul", ["observation", "w"], ["logits"]),
    ]
    return model(nodes, {"w": matrix(), "flag": np.array(True)})


def in_function() -> onnx.ModelProto:
    tensor = numpy_helper.from_array(matrix(), "w")
    make_external(tensor, "w.data")
    function = helper.make_function(
        "own",
        "Dense",
        ["x"],
        ["y"],
        [node("Constant", [], ["w"], value=tensor), node("MatMul", ["x", "w"], ["y"])],
        [helper.make_opsetid("", 18)],
    )
    return model(
        [helper.make_node("Dense", ["observation"], ["logits"], domain="own")],
        {},
        functions=[function],
        domains=[helper.make_opsetid("own", 1)],
    )


def loop() -> onnx.ModelProto:
    body = helper.make_graph(
        [node("Identity", ["condition"], ["again"]), node("Identity", ["x"], ["y"])],
        "body",
        [
            helper.make_tensor_value_info("count", TensorProto.INT64, []),
            helper.make_tensor_value_info("condition", TensorProto.BOOL, []),
            helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 4]),
        ],
        [
            helper.make_tensor_value_info("again", TensorProto.BOOL, []),
            helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 4]),
        ],
    )
    return model([node("Loop", ["", "true", "observation"], ["logits"], body=body)], {"true": np.array(True)})


def nested_branches() -> onnx.ModelProto:
    result = onnx.ValueInfoProto(name="out")
    graph = helper.make_graph([node("Identity", ["observation"], ["out"])], "leaf", [], [result])
    for depth in range(8):
        branch = node("If", ["flag"], ["out"], then_branch=graph, else_branch=graph)
        graph = helper.make_graph([branch], f"level{depth}", [], [result])
    return model([node("If", ["flag"], ["logits"], then_branch=graph, else_branch=graph)], {"flag": np.array(True)})


def exploding_functions() -> onnx.ModelProto:
    """Each of 40 functions calls the one before it twice."""
    own = [helper.make_opsetid("", 18), helper.make_opsetid("own", 1)]
    functions = [helper.make_function("own", "f0", ["x"], ["y"], [node("Relu", ["x"], ["y"])], own)]
    for level in range(1, 30):
        calls = [
            helper.make_node(f"f{level - 1}", ["x"], ["m"], domain="own"),
            helper.make_node(f"f{level - 1}", ["m"], ["y"], domain="own"),
        ]
        functions.append(helper.make_function("own", f"f{level}", ["x"], ["y"], calls, own))
    return model(
        [helper.make_node("f29", ["observation"], ["logits"], domain="own")], {}, functions=functions, domains=own[1:]
    )


def exploding_calls() -> onnx.ModelProto:
    """The same, and the first of them does nothing at all, so that calls are all there is."""
    bad = exploding_functions()
    bad.functions[0].ClearField("node")
    return bad


def recursive_function() -> onnx.ModelProto:
    own = [helper.make_opsetid("", 18), helper.make_opsetid("own", 1)]
    call = helper.make_node("f", ["x"], ["y"], domain="own")
    return model(
        [helper.make_node("f", ["observation"], ["logits"], domain="own")],
        {},
        functions=[helper.make_function("own", "f", ["x"], ["y"], [call], own)],
        domains=own[1:],
    )


def constant_bomb() -> onnx.ModelProto:
    nodes = [
        node("ConstantOfShape", ["shape"], ["huge"]),
        node("ReduceSum", ["huge"], ["sum"], keepdims=0),
        node("Add", ["x", "sum"], ["logits"]),
    ]
    return behind(*nodes, weights={"shape": ints(30_000, 30_000)})


def expand_bomb() -> onnx.ModelProto:
    return behind(node("Expand", ["x", "shape"], ["logits"]), weights={"shape": ints(10_000_000, 1, 3)})


def outer_bomb() -> onnx.ModelProto:
    nodes = [node("MatMul", ["column", "row"], ["huge"]), node("Add", ["x", "huge"], ["logits"])]
    return behind(*nodes, weights={"column": np.ones((60_000, 1), np.float32), "row": np.ones((1, 60_000), np.float32)})


def doubling_bomb() -> onnx.ModelProto:
    """Concatenates a constant with itself, again and again."""
    nodes = [node("Concat", [f"c{at}", f"c{at}"], [f"c{at + 1}"], axis=0) for at in range(40)]
    return behind(*nodes, node("Add", ["x", "c40"], ["logits"]), weights={"c0": np.ones((1, 3), np.float32)})


def pad_bomb() -> onnx.ModelProto:
    return behind(node("Pad", ["x", "pads"], ["logits"]), weights={"pads": ints(0, 0, 0, 2**31)})


def range_bomb() -> onnx.ModelProto:
    numbers = {"start": 0.0, "limit": 1e12, "delta": 1e-6}
    nodes = [node("Range", list(numbers), ["huge"]), node("Add", ["x", "huge"], ["logits"])]
    return behind(*nodes, weights={name: np.array(value, np.float32) for name, value in numbers.items()})


def circle() -> onnx.ModelProto:
    return behind(node("Add", ["x", "b"], ["a"]), node("Relu", ["a"], ["b"]), node("Add", ["a", "b"], ["logits"]))


def truncated_weight() -> onnx.ModelProto:
    bad = linear()
    bad.graph.initializer[0].raw_data = bad.graph.initializer[0].raw_data[:-4]
    return bad


def lying_weight() -> onnx.ModelProto:
    bad = linear()
    bad.graph.initializer[0].dims[:] = [2**40, 2**40]
    return bad


def sparse_weight() -> onnx.ModelProto:
    bad = linear()
    bad.graph.sparse_initializer.add()
    return bad


def long_chain() -> onnx.ModelProto:
    nodes = [node("Relu", ["x" if at == 0 else f"r{at}"], [f"r{at + 1}"]) for at in range(21_000)]
    return behind(*nodes, node("Identity", ["r21000"], ["logits"]))


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (external, "external-data-forbidden"),
        (in_attribute, "external-data-forbidden"),
        (in_subgraph, "external-data-forbidden"),
        (in_function, "external-data-forbidden"),
        (loop, "unsupported-operator"),
        (nested_branches, "unsupported-operator"),
        (exploding_functions, "resource-limit"),
        (exploding_calls, "resource-limit"),
        (recursive_function, "malformed-policy"),
        (constant_bomb, "resource-limit"),
        (expand_bomb, "resource-limit"),
        (outer_bomb, "resource-limit"),
        (doubling_bomb, "resource-limit"),
        (pad_bomb, "resource-limit"),
        (range_bomb, "resource-limit"),
        (long_chain, "resource-limit"),
        (circle, "malformed-policy"),
        (truncated_weight, "malformed-policy"),
        (lying_weight, "malformed-policy"),
        (sparse_weight, "unsupported-operator"),
    ],
)
def test_a_hostile_model_is_refused_at_once(make: Callable[[], onnx.ModelProto], code: str) -> None:
    data = make().SerializeToString()
    started = time.process_time()
    with pytest.raises(PolicyRejected) as caught:
        imported(data)
    assert caught.value.code == code
    assert time.process_time() - started < 10.0


def test_weights_beside_the_model_in_a_zip_are_found_by_exact_name() -> None:
    whole = imported(linear().SerializeToString())
    data = matrix().tobytes()
    for members in (
        {"p.onnx": external().SerializeToString(), "w.data": data},
        {"folder/p.onnx": external().SerializeToString(), "folder/w.data": data, "__MACOSX/folder/._p.onnx": b"?"},
        {"p.onnx": external(offset="5", length="48").SerializeToString(), "w.data": b"12345" + data + b"6"},
    ):
        policy = imported(zipped(members))
        assert policy.card.format == "onnx-zip"
        assert load_network(policy.model)(vectors(2)).logits.equal(load_network(whole.model)(vectors(2)).logits)


@pytest.mark.parametrize(
    "location", ["../w.data", "/etc/passwd", "W.data", "./w.data", "folder/../w.data", "p.onnx", "", "file:///w.data"]
)
def test_no_other_name_finds_them(location: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("w.data", "W.data"):
        (tmp_path / name).write_bytes(matrix().tobytes())
    members = {"p.onnx": external(location).SerializeToString(), "w.data": matrix().tobytes()}
    with pytest.raises(ExternalDataForbidden):
        imported(zipped(members))


@pytest.mark.parametrize(
    ("offset", "length"),
    [("49", "0"), ("0", "49"), ("44", "48"), ("-1", None), ("1e3", None), ("9" * 30, None), ("0", "44"), ("4", None)],
)
def test_weights_beyond_the_end_are_malformed(offset: str, length: str | None) -> None:
    members = {"p.onnx": external(offset=offset, length=length).SerializeToString(), "w.data": matrix().tobytes()}
    with pytest.raises(PolicyRejected) as caught:
        imported(zipped(members))
    assert caught.value.code == "malformed-policy"


def test_a_file_named_by_thousands_of_weights_is_not_copied_thousands_of_times() -> None:
    base = linear()
    for index in range(200):
        tensor = numpy_helper.from_array(np.zeros(0, np.float32), f"w{index}")
        tensor.dims[:] = [2**20]
        make_external(tensor, "w.data")
        base.graph.initializer.append(tensor)
    with pytest.raises(PolicyRejected) as caught:
        imported(zipped({"p.onnx": base.SerializeToString(), "w.data": bytes(2**22)}))
    assert caught.value.code == "unpacked-too-large"


def test_code_in_names_stays_a_name() -> None:
    name = "x'];__import__('os').system('touch marker')#"
    policy = imported(behind(node("Relu", ["x"], [name]), node("Identity", [name], ["logits"])).SerializeToString())
    assert b"import" not in policy.model
    assert {value for item in onnx.load_model_from_string(policy.model).graph.node for value in item.output} == {
        "logits",
        "v0",
        "v1",
    }


def test_what_no_output_needs_is_left_out() -> None:
    whole = loop()
    nodes = [*whole.graph.node, node("MatMul", ["observation", "w"], ["scores"])]
    nodes[0].output[0] = "endless"
    weights = {"true": np.array(True), "w": matrix(), "bad": np.full(3, np.nan, np.float32)}
    policy = imported(model(nodes, weights, outputs=["scores", "endless"]).SerializeToString())
    assert {item.op_type for item in onnx.load_model_from_string(policy.model).graph.node} == {"Gemm", "Identity"}


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e39])
def test_weights_that_are_not_finite_are_refused(bad: float) -> None:
    weights = matrix().astype(np.float64)
    weights[1, 1] = bad
    product = node("MatMul", ["observation", "w"], ["logits"])
    with pytest.raises(PolicyRejected) as caught:
        imported(model([product], {"w": weights}, element=TensorProto.DOUBLE).SerializeToString())
    assert caught.value.code == "non-finite-weights"


@pytest.mark.parametrize("cut", [0.1, 0.5, 0.9, 0.99])
def test_a_truncated_model_is_malformed(cut: float) -> None:
    data = linear().SerializeToString()
    with pytest.raises(PolicyRejected) as caught:
        imported(data[: int(len(data) * cut)])
    assert caught.value.code == "malformed-policy"
