"""Models as other tools than PyTorch's exporters write them: other types, layouts and inputs."""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from torch import nn

from saddlepoint.errors import PolicyRejected
from saddlepoint.policies import load_network
from tests.policies.networks import Mlp, NatureCnn, export_old, frames, imported, seeded, vectors
from tests.policies.onnx_models import Array, ints, matrix, model, node
from tests.policies.recurrent_models import HIDDEN, GruPolicy, LstmPolicy, stepped

FLOATS = np.float32


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("is_half", [False, True])
@pytest.mark.parametrize(
    ("make", "shapes"),
    [(Mlp, []), (NatureCnn, []), (LstmPolicy, [(1, 2, HIDDEN)] * 2), (GruPolicy, [(2, 2, HIDDEN)])],
)
def test_other_floats_are_taken(make: Callable[[], nn.Module], shapes: list[tuple[int, ...]], is_half: bool) -> None:
    dtype = torch.float16 if is_half else torch.float64
    network = seeded(make).to(dtype)
    rows = frames(2) if make is NatureCnn else vectors(2)
    arguments = tuple(item.to(dtype) for item in (rows, *(torch.zeros(shape) for shape in shapes)))
    policy = imported(export_old(network, arguments, dynamic=True))
    imported_network = load_network(policy.model)
    heads = stepped(imported_network, [rows])
    with torch.no_grad():
        expected = seeded(make)(*(item.float() for item in arguments))
    expected = expected if isinstance(expected, torch.Tensor) else expected[0]
    torch.testing.assert_close(heads[0], expected, atol=0.02 if is_half else 1e-5, rtol=0)
    assert policy.card.max_disagreement < (0.02 if is_half else 1e-5)


def test_weights_in_bfloat16_are_taken() -> None:
    half = helper.make_tensor("w", TensorProto.BFLOAT16, (4, 3), matrix().flatten())
    made = model([node("MatMul", ["observation", "w"], ["logits"])], {}, element=TensorProto.BFLOAT16)
    made.graph.initializer.append(half)
    policy = imported(made.SerializeToString())
    expected = vectors(3).numpy() @ matrix()
    np.testing.assert_allclose(load_network(policy.model)(vectors(3)).head.numpy(), expected, atol=0.05)


def test_numbers_of_16_bits_that_overflow_are_refused() -> None:
    weights = {"w": np.full((4, 3), 60000, np.float16), "v": np.full((3, 3), 60000, np.float16)}
    nodes = [node("MatMul", ["observation", "w"], ["x"]), node("MatMul", ["x", "v"], ["logits"])]
    with pytest.raises(PolicyRejected) as caught:
        imported(model(nodes, weights, element=TensorProto.FLOAT16).SerializeToString())
    assert caught.value.code == "non-finite-weights"


def nhwc() -> onnx.ModelProto:
    """A network in JAX's spelling: pictures and kernels channels-last, SAME padding, Einsum, LayerNorm in parts."""
    random = np.random.default_rng(0)
    weights: dict[str, Array] = {
        "255": np.array(255, FLOATS),
        "k1": random.normal(size=(3, 3, 4, 8)).astype(FLOATS) / 6,
        "b1": random.normal(size=8).astype(FLOATS),
        "k2": random.normal(size=(3, 3, 8, 8)).astype(FLOATS) / 8,
        "zero": np.array(0, FLOATS),
        "flat": ints(-1, 5 * 5 * 8),
        "d1": random.normal(size=(200, 16)).astype(FLOATS) / 14,
        "last": ints(-1),
        "epsilon": np.array(1e-6, FLOATS),
        "scale": random.normal(size=16).astype(FLOATS),
        "d2": matrix(16, 3),
    }
    nodes = [
        node("Div", ["observation", "255"], ["x0"]),
        node("Transpose", ["x0"], ["t0"], perm=[0, 3, 1, 2]),
        node("Transpose", ["k1"], ["kt1"], perm=[3, 2, 0, 1]),
        node("Conv", ["t0", "kt1"], ["c1"], auto_pad="SAME_UPPER", strides=[2, 2]),
        node("Transpose", ["c1"], ["t1"], perm=[0, 2, 3, 1]),
        node("Add", ["t1", "b1"], ["a1"]),
        node("Max", ["a1", "zero"], ["r1"]),
        node("Transpose", ["r1"], ["t2"], perm=[0, 3, 1, 2]),
        node("Transpose", ["k2"], ["kt2"], perm=[3, 2, 0, 1]),
        node("Conv", ["t2", "kt2"], ["c2"], auto_pad="SAME_LOWER", strides=[2, 2]),
        node("Transpose", ["c2"], ["t3"], perm=[0, 2, 3, 1]),
        node("Max", ["t3", "zero"], ["r2"]),
        node("Reshape", ["r2", "flat"], ["f"]),
        node("Einsum", ["f", "d1"], ["h"], equation="ab,bc->ac"),
        node("ReduceMean", ["h", "last"], ["mean"], keepdims=1),
        node("Sub", ["h", "mean"], ["centred"]),
        node("Mul", ["centred", "centred"], ["squares"]),
        node("ReduceMean", ["squares", "last"], ["variance"], keepdims=1),
        node("Add", ["variance", "epsilon"], ["positive"]),
        node("Sqrt", ["positive"], ["deviation"]),
        node("Div", ["centred", "deviation"], ["normal"]),
        node("Mul", ["normal", "scale"], ["scaled"]),
        node("Tanh", ["scaled"], ["active"]),
        node("Einsum", ["active", "d2"], ["logits"], equation="ij,jk->ik"),
    ]
    return model(nodes, weights, shape=("N", 20, 20, 4))


def test_a_graph_of_jax_with_its_channels_last() -> None:
    policy = imported(nhwc().SerializeToString())
    assert policy.card.observation.shape == (4, 20, 20)
    assert len(policy.card.guesses) == 1
    assert policy.card.max_disagreement < 1e-5
    x = frames(2, size=20).requires_grad_()
    assert bool(torch.autograd.grad(load_network(policy.model)(x).head.sum(), x)[0].any())


def rllib() -> bytes:
    """RLlib's inputs: obs, state_ins and seq_lens, here around one LSTM cell's worth of arithmetic."""
    nodes = [
        node("MatMul", ["obs", "w"], ["x"]),
        node("Cast", ["seq_lens"], ["lengths"], to=TensorProto.FLOAT),
        node("Unsqueeze", ["lengths", "one"], ["column"]),
        node("Mul", ["x", "column"], ["used"]),
        node("Add", ["used", "state_ins"], ["sum"]),
        node("Tanh", ["sum"], ["state_outs"]),
        node("MatMul", ["state_outs", "v"], ["output"]),
    ]
    weights = {"w": matrix(4, 5), "v": matrix(5, 3), "one": ints(1)}
    made = model(nodes, weights, inputs=("obs",), outputs=("output", "state_outs"))
    made.graph.input.append(helper.make_tensor_value_info("state_ins", TensorProto.FLOAT, ["N", 5]))
    made.graph.input.append(helper.make_tensor_value_info("seq_lens", TensorProto.INT32, ["N"]))
    return bytes(made.SerializeToString())


CARD: dict[str, Any] = {
    "inputs": {"observation": "obs", "state_0": "state_ins", "seq_lens": "seq_lens"},
    "outputs": {"logits": "output", "next_state_0": "state_outs"},
}


def test_the_inputs_of_rllib_need_a_card() -> None:
    with pytest.raises(PolicyRejected, match='"state_0"'):
        imported(rllib())
    policy = imported(rllib(), **CARD)
    assert [state.shape for state in policy.card.states] == [(5,)]
    assert policy.card.guesses == []
    network = load_network(policy.model)
    state = np.zeros((3, 5), FLOATS)
    for found in stepped(network, [vectors(3, seed=step) for step in range(2)]):
        step = 0 if not state.any() else 1
        state = np.tanh(vectors(3, seed=step).numpy() @ matrix(4, 5) + state)
        np.testing.assert_allclose(found.numpy(), state @ matrix(5, 3), atol=1e-5)


def test_a_card_that_names_no_input_is_refused() -> None:
    with pytest.raises(PolicyRejected, match="'seq_lens' is the input 'lengths'"):
        imported(rllib(), **{**CARD, "inputs": {**CARD["inputs"], "seq_lens": "lengths"}})
