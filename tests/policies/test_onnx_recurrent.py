"""Policies with memory, as exporters write them: their states are carried and their gradients right."""

from collections.abc import Callable
from math import prod

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from torch import Tensor, nn

from saddlepoint.errors import PolicyRejected
from saddlepoint.policies import check_rows, disagreement, load_network
from tests.policies.conftest import Exported
from tests.policies.networks import frames, imported, seeded, vectors
from tests.policies.onnx_models import Array, ints, matrix, model, node
from tests.policies.recurrent_models import (
    HIDDEN,
    AtariLstm,
    CleanRlLstm,
    CrossedCellPolicy,
    CrossedLstmPolicy,
    DeepLstmPolicy,
    FlatlyStackedLstmPolicy,
    GruCellPolicy,
    GruPolicy,
    ImpalaLstm,
    LoopedCellPolicy,
    LstmCellPolicy,
    LstmPolicy,
    ReluRnnPolicy,
    RnnPolicy,
    SequenceLstmPolicy,
    SequenceOfPicturesPolicy,
    StackedLstmPolicy,
    StatelessPolicy,
    StepFirstGruPolicy,
    TwoLstmsPolicy,
    UnbatchedHeadPolicy,
    UnbatchedLstmPolicy,
    ViewedGruPolicy,
    ViewedLstmPolicy,
    logits_of,
    stepped,
    zeros,
)

slow = pytest.mark.slow
EXPORTS = [pytest.param("new", False, marks=slow), pytest.param("new", True, marks=slow), ("old", False), ("old", True)]
Shape = tuple[int | None, ...]
CASES: list[tuple[Callable[[], nn.Module], list[Shape]]] = [
    (LstmPolicy, [(1, None, HIDDEN)] * 2),
    (DeepLstmPolicy, [(2, None, HIDDEN)] * 2),
    (GruPolicy, [(2, None, HIDDEN)]),
    (RnnPolicy, [(2, None, HIDDEN)]),
    (ReluRnnPolicy, [(2, None, HIDDEN)]),
    (GruCellPolicy, [(None, HIDDEN)]),
    (LstmCellPolicy, [(None, HIDDEN)] * 2),
]


def at(shapes: list[Shape], rows: int) -> tuple[Tensor, ...]:
    return zeros(*[tuple(rows if size is None else size for size in shape) for shape in shapes])


def close(found: list[Tensor], expected: list[Tensor]) -> None:
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other.reshape(one.shape), atol=1e-5, rtol=0)


@pytest.mark.parametrize(("exporter", "dynamic"), EXPORTS)
@pytest.mark.parametrize(("make", "shapes"), CASES)
def test_vectors_through_memory(
    exported: Exported, make: Callable[[], nn.Module], shapes: list[Shape], exporter: str, dynamic: bool
) -> None:
    rows = 2 if dynamic else 1
    policy = imported(exported(make, (vectors(rows), *at(shapes, rows)), exporter, dynamic))
    observations = [vectors(3, seed=step) for step in range(4)]
    close(stepped(load_network(policy.model), observations), logits_of(make, observations, at(shapes, 3)))
    expected = [tuple(size for size in shape if size is not None) for shape in shapes]
    assert [state.shape for state in policy.card.states] == expected
    assert any("taken as states" in guess for guess in policy.card.guesses)
    assert (policy.card.head, policy.card.actions) == ("logits", 3)


@pytest.mark.parametrize("exporter", [pytest.param("new", marks=slow), "old"])
@pytest.mark.parametrize("make", [AtariLstm, ImpalaLstm])
def test_frames_through_memory(exported: Exported, make: Callable[[], nn.Module], exporter: str) -> None:
    shapes: list[Shape] = [(1, None, 16) if make is AtariLstm else (None, 16)] * 2
    policy = imported(exported(make, (frames(1), *at(shapes, 1)), exporter, False))
    observations = [frames(2, seed=step) for step in range(3)]
    close(stepped(load_network(policy.model), observations), logits_of(make, observations, at(shapes, 2)))


@pytest.mark.parametrize("exporter", [pytest.param("new", marks=slow), "old"])
@pytest.mark.parametrize(
    ("make", "example", "told"),
    [
        (SequenceLstmPolicy, (1, 1, 4), "batch first"),
        (StepFirstGruPolicy, (1, 1, 4), "step first"),
        (LoopedCellPolicy, (1, 1, 4), "step first"),
    ],
)
def test_a_sequence_of_one_step_is_a_step(
    exported: Exported, make: Callable[[], nn.Module], example: tuple[int, ...], told: str, exporter: str
) -> None:
    shapes: list[Shape] = [(1, None, HIDDEN)] * (2 if make is SequenceLstmPolicy else 1)
    shapes = [(None, HIDDEN)] * 2 if make is LoopedCellPolicy else shapes
    policy = imported(exported(make, (torch.zeros(example), *at(shapes, 1)), exporter, False))
    assert policy.card.observation.shape == (4,)
    axis = 1 if told == "batch first" else 0
    observations = [vectors(3, seed=step) for step in range(3)]
    expected = logits_of(make, [item.unsqueeze(axis) for item in observations], at(shapes, 3))
    close(stepped(load_network(policy.model), observations), expected)
    assert any(guess.endswith(told) for guess in policy.card.guesses)
    assert [item.name for item in policy.card.outputs] == ["logits", "value"][: 1 + (make is SequenceLstmPolicy)]


@pytest.mark.parametrize("exporter", [pytest.param("new", marks=slow), "old"])
def test_one_row_out_of_a_batch_is_refused(exported: Exported, exporter: str) -> None:
    data = exported(UnbatchedHeadPolicy, (vectors(1), *at([(1, None, HIDDEN)] * 2, 1)), exporter, False)
    with pytest.raises(PolicyRejected, match="takes one row out of it"):
        imported(data)


@pytest.mark.parametrize("exporter", [pytest.param("new", marks=slow), "old"])
@pytest.mark.parametrize("make", [CrossedCellPolicy, CrossedLstmPolicy])
def test_states_that_come_out_the_other_way_round_are_told_apart(
    exported: Exported, make: Callable[[], nn.Module], exporter: str
) -> None:
    straight, shape = (LstmCellPolicy, (None, HIDDEN)) if make is CrossedCellPolicy else (LstmPolicy, (1, None, HIDDEN))
    shapes: list[Shape] = [shape] * 2
    policy = imported(exported(make, (vectors(1), *at(shapes, 1)), exporter, False))
    observations = [vectors(3, seed=step) for step in range(4)]
    close(stepped(load_network(policy.model), observations), logits_of(straight, observations, at(shapes, 3)))


@pytest.mark.parametrize("exporter", [pytest.param("new", marks=slow), "old"])
@pytest.mark.parametrize(
    ("make", "shapes", "shape"),
    [
        (ViewedLstmPolicy, [(1, None, HIDDEN)] * 2, (4,)),
        (ViewedGruPolicy, [(None, HIDDEN)], (4,)),
        (SequenceOfPicturesPolicy, [(1, None, HIDDEN)] * 2, (2, 3, 3)),
    ],
)
def test_of_two_ones_a_view_gives_a_row_the_first_is_the_step(
    exported: Exported, make: Callable[[], nn.Module], shapes: list[Shape], shape: tuple[int, ...], exporter: str
) -> None:
    before = (1,) if len(shape) > 1 else ()
    policy = imported(exported(make, (torch.zeros(*before, 1, *shape), *at(shapes, 1)), exporter, False))
    assert policy.card.observation.shape == shape
    observations = [vectors(3, prod(shape), seed=step).reshape(3, *shape) for step in range(3)]
    expected = logits_of(make, [item.reshape(*before, *item.shape) for item in observations], at(shapes, 3))
    close(stepped(load_network(policy.model), observations), expected)


@pytest.mark.parametrize("exporter", [pytest.param("new", marks=slow), "old"])
def test_hidden_states_become_hidden_states_and_cells_cells(exported: Exported, exporter: str) -> None:
    shapes: list[Shape] = [(None, HIDDEN)] * 4
    data = exported(TwoLstmsPolicy, (vectors(1), *at(shapes, 1)), exporter, False)
    first = onnx.load_model_from_string(data).graph.input[0].name if exporter == "old" else "observation"
    policy = imported(data, inputs={"observation": first})
    observations = [vectors(3, seed=step) for step in range(3)]
    network, states, expected = seeded(TwoLstmsPolicy), at(shapes, 3), []
    for observation in observations:
        with torch.no_grad():
            logits, _, h, critic_h, c, critic_c = network(observation, *states)
        states = (h, c, critic_h, critic_c)
        expected.append(logits)
    close(stepped(load_network(policy.model), observations), expected)


@pytest.mark.parametrize(
    ("exporter", "dynamic"), [("old", False), ("old", True), pytest.param("new", False, marks=slow)]
)
def test_a_loop_of_one_step_with_the_end_of_episodes(exported: Exported, exporter: str, dynamic: bool) -> None:
    rows = 2 if dynamic else 1
    shapes: list[Shape] = [(1, None, HIDDEN)] * 2
    # The exporters of the fixture take the last input for one with a batch axis before its last.
    data = exported(CleanRlLstm, (vectors(rows), *at(shapes, rows), torch.zeros(rows, 1)), exporter, dynamic)
    graph = onnx.load_model_from_string(data).graph if exporter == "old" else None
    name = graph.input[3].name if graph else "done"
    if name == "done":
        assert "input 'done' taken as 0 at every step (episode_start)" in imported(data).card.guesses
    else:
        with pytest.raises(PolicyRejected):
            imported(data)
    policy = imported(data, inputs={"episode_start": name})
    observations = [vectors(3, seed=step) for step in range(3)]
    network, states, expected = seeded(CleanRlLstm), at(shapes, 3), []
    for observation in observations:
        with torch.no_grad():
            logits, *rest = network(observation, *states, torch.zeros(3))
        states = tuple(rest)
        expected.append(logits)
    close(stepped(load_network(policy.model), observations), expected)


def test_the_value_goes_with_the_states_and_the_card_names_all(exported: Exported) -> None:
    policy = imported(exported(LstmPolicy, (vectors(2), *at([(1, None, HIDDEN)] * 2, 2)), "old", True))
    assert [item.name for item in policy.card.outputs] == ["logits", "value"]
    network = load_network(policy.model)
    with torch.no_grad():
        _, value, h, c = seeded(LstmPolicy)(vectors(3), *at([(1, None, HIDDEN)] * 2, 3))
    outputs = network(vectors(3), network.initial_states(3))
    torch.testing.assert_close(outputs.value, value[:, 0], atol=1e-6, rtol=0)
    assert network.state_shapes == ((1, HIDDEN), (1, HIDDEN))
    close(list(outputs.states), [h.transpose(0, 1), c.transpose(0, 1)])
    graph = onnx.load_model_from_string(policy.model).graph
    assert [item.name for item in graph.input] == ["observation", "state_0", "state_1"]
    assert [item.name for item in graph.output] == ["logits", "value", "next_state_0", "next_state_1"]
    onnx.checker.check_model(policy.model, full_check=True)


def test_gradients_reach_the_observation_in_both_layouts_and_no_state(exported: Exported) -> None:
    shapes: list[Shape] = [(1, None, 16)] * 2
    network = load_network(imported(exported(AtariLstm, (frames(1), *at(shapes, 1)), "old", False)).model)
    held = torch.randn(2, 1, 16, generator=torch.Generator().manual_seed(0)).requires_grad_()
    x, original = frames(2).requires_grad_(), frames(2).requires_grad_()
    logits = seeded(AtariLstm)(original, held.detach().transpose(0, 1), held.detach().transpose(0, 1))[0]
    (expected,) = torch.autograd.grad(logits.logsumexp(1).sum(), original)
    found, *others = torch.autograd.grad(network(x, (held, held)).head.logsumexp(1).sum(), (x, held), allow_unused=True)
    torch.testing.assert_close(found, expected, atol=1e-8, rtol=1e-4)
    assert others == [None]
    arranged = network.to_attack_layout(frames(2)).requires_grad_()
    assert arranged.shape == (2, 64, 21, 21)
    outputs = network.forward_attack(arranged, (held, held))
    assert (outputs.value, len(outputs.states)) == (None, 2)
    (turned,) = torch.autograd.grad(outputs.head.logsumexp(1).sum(), arranged)
    torch.testing.assert_close(network.from_attack_layout(turned), expected, atol=1e-8, rtol=1e-4)


def test_reduced_precision_carries_float32(exported: Exported) -> None:
    model_bytes = imported(exported(LstmPolicy, (vectors(2), *at([(1, None, HIDDEN)] * 2, 2)), "old", True)).model
    network = load_network(model_bytes, precision="bf16")
    outputs = network(vectors(3), network.initial_states(3))
    assert {item.dtype for item in (outputs.head, *outputs.states)} == {torch.float32}


def test_states_must_be_handed_on(exported: Exported) -> None:
    model_bytes = imported(exported(LstmPolicy, (vectors(2), *at([(1, None, HIDDEN)] * 2, 2)), "old", True)).model
    with pytest.raises(ValueError, match="carries 2 states"):
        load_network(model_bytes)(vectors(3))
    assert disagreement(load_network(model_bytes), model_bytes, check_rows((4,))) < 1e-5


def by_hand(
    *nodes: onnx.NodeProto,
    states: dict[str, tuple[int | str, ...]] | None = None,
    outputs: tuple[str, ...] = ("logits", "next_state_0"),
    weights: dict[str, Array] | None = None,
    elements: dict[str, int] | None = None,
    shape: tuple[int | str, ...] = ("N", 4),
) -> bytes:
    """A model with more inputs than the observation, from nodes that may use w (4, 3)."""
    made = model(list(nodes), {"w": matrix(), **(weights or {})}, outputs=outputs, shape=shape)
    for name, sizes in ({"state_0": ("N", 3)} if states is None else states).items():
        element = (elements or {}).get(name, TensorProto.FLOAT)
        made.graph.input.append(helper.make_tensor_value_info(name, element, list(sizes)))
    return bytes(made.SerializeToString())


PRODUCT = node("MatMul", ["observation", "w"], ["x"])
SUM = node("Add", ["x", "state_0"], ["next_state_0"])
TANH = node("Tanh", ["next_state_0"], ["logits"])


def test_states_by_the_names_of_the_contract_are_no_guess() -> None:
    policy = imported(by_hand(PRODUCT, SUM, TANH))
    assert policy.card.guesses == []
    network = load_network(policy.model)
    x = torch.from_numpy(vectors(3).numpy() @ matrix())
    first = network(vectors(3), network.initial_states(3))
    torch.testing.assert_close(network(vectors(3), first.states).head, (2 * x).tanh(), atol=1e-6, rtol=0)


def test_states_under_other_names_are_mapped_by_the_card() -> None:
    add = node("Add", ["x", "memory"], ["kept"])
    data = by_hand(
        PRODUCT, add, node("Tanh", ["kept"], ["logits"]), states={"memory": ("N", 3)}, outputs=("logits", "kept")
    )
    with pytest.raises(PolicyRejected, match='"next_state_0"'):
        imported(data)
    policy = imported(data, inputs={"state_0": "memory"}, outputs={"next_state_0": "kept"})
    assert [state.shape for state in policy.card.states] == [(3,)]
    assert policy.card.guesses == []


def test_the_batch_axis_of_states_is_as_the_card_says() -> None:
    flat = [node("Transpose", ["state_0"], ["turned"], perm=[1, 0, 2]), node("Squeeze", ["turned", "one"], ["held"])]
    back = [node("Unsqueeze", ["sum", "zero"], ["next_state_0"]), node("Tanh", ["sum"], ["logits"])]
    nodes = [PRODUCT, *flat, node("Add", ["x", "held"], ["sum"]), *back]
    data = by_hand(*nodes, states={"state_0": (1, 1, 3)}, weights={"one": ints(1), "zero": ints(0)}, shape=(1, 4))
    assert imported(data, state_batch_axis=1).card.guesses == []
    assert len(imported(data).card.guesses) == 1
    with pytest.raises(PolicyRejected):
        imported(data, state_batch_axis=0)


def test_an_input_that_says_where_episodes_begin_is_zero_if_the_card_names_it() -> None:
    keep = [node("Not", ["over"], ["lives"]), node("Cast", ["lives"], ["mask"], to=TensorProto.FLOAT)]
    nodes = [
        PRODUCT,
        *keep,
        node("Unsqueeze", ["mask", "one"], ["column"]),
        node("Mul", ["state_0", "column"], ["held"]),
    ]
    nodes += [node("Add", ["x", "held"], ["next_state_0"]), TANH]
    data = by_hand(
        *nodes,
        states={"state_0": ("N", 3), "over": ("N",)},
        elements={"over": TensorProto.BOOL},
        weights={"one": ints(1)},
    )
    with pytest.raises(PolicyRejected, match="'over'"):
        imported(data)
    network = load_network(imported(data, inputs={"episode_start": "over"}).model)
    x = torch.from_numpy(vectors(3).numpy() @ matrix())
    first = network(vectors(3), network.initial_states(3))
    torch.testing.assert_close(network(vectors(3), first.states).head, (2 * x).tanh(), atol=1e-6, rtol=0)


@pytest.mark.parametrize(("exporter", "dynamic"), EXPORTS)
def test_two_states_in_one_are_taken_as_advised(exported: Exported, exporter: str, dynamic: bool) -> None:
    rows = 2 if dynamic else 1
    apart, flat = torch.zeros(2, 1, rows, HIDDEN), torch.zeros(2, rows, HIDDEN)
    for axis in (None, 0, 1):
        with pytest.raises(PolicyRejected, match=r"hold 2 states in one, with the batch third.*\(2, N, 8\)"):
            imported(exported(StackedLstmPolicy, (vectors(rows), apart), exporter, dynamic), state_batch_axis=axis)
    policy = imported(exported(FlatlyStackedLstmPolicy, (vectors(rows), flat), exporter, dynamic))
    observations = [vectors(3, seed=step) for step in range(3)]
    expected = logits_of(FlatlyStackedLstmPolicy, observations, zeros((2, 3, HIDDEN)))
    close(stepped(load_network(policy.model), observations), expected)


MIXED = node("ReduceMean", ["state_0"], ["mixed"], axes=[0], keepdims=1)
ROLLED = [
    node("Slice", ["state_0", "zero", "one", "zero"], ["head"]),
    node("Slice", ["state_0", "one", "end", "zero"], ["tail"]),
    node("Concat", ["tail", "head"], ["mixed"], axis=0),
]
ADD_MIXED = node("Add", ["x", "mixed"], ["next_state_0"])


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (by_hand(PRODUCT, node("Add", ["x", "state_0"], ["logits"]), outputs=("logits",)), "'state_0'"),
        (by_hand(PRODUCT, SUM, TANH, outputs=("logits", "next_state_0"), states={}), "takes no 'state_0'"),
        (by_hand(PRODUCT, SUM, TANH, states={"state_0": ("N", 5)}), "cannot take the shapes"),
        (by_hand(PRODUCT, SUM, TANH, states={"state_0": ("N", 1)}), "the shape of the state"),
        (by_hand(PRODUCT, SUM, TANH, states={"state_0": ("N", "M")}), "fixed sizes"),
        (by_hand(PRODUCT, SUM, TANH, states={"state_0": (3,)}), "batch axis"),
        (by_hand(PRODUCT, SUM, TANH, states={"state_0": (3,)}, shape=(4,)), "(N, ...)"),
        (by_hand(PRODUCT, SUM, TANH, states={"state_0": (2, 3)}, shape=(1, 4)), "batch axis of the same size"),
        (by_hand(PRODUCT, SUM, TANH, states={"state_0": ("N", 2**21)}), "at most 16 states"),
        (by_hand(MIXED, PRODUCT, ADD_MIXED, TANH), ""),
        (
            by_hand(*ROLLED, PRODUCT, ADD_MIXED, TANH, weights={"zero": ints(0), "one": ints(1), "end": ints(2**62)}),
            "",
        ),
    ],
)
def test_states_that_do_not_fit_are_refused(data: bytes, words: str) -> None:
    with pytest.raises(PolicyRejected) as caught:
        imported(data)
    assert words in str(caught.value)


def test_logits_and_a_state_of_the_same_shape_are_not_guessed(exported: Exported) -> None:
    nodes = [PRODUCT, node("Add", ["x", "memory"], ["kept"]), node("Tanh", ["kept"], ["scores"])]
    data = by_hand(*nodes, states={"memory": ("N", 3)}, outputs=("scores", "kept"))
    with pytest.raises(PolicyRejected, match="'memory'"):
        imported(data)


def lstm(steps: int = 3, shapes: dict[str, tuple[int, ...]] | None = None, **attributes: object) -> bytes:
    """A history (N, steps, 4) through an LSTM from zero, and a linear layer on its last state."""
    random = np.random.default_rng(0)
    weights = {
        "W": random.normal(size=(1, 20, 4)).astype(np.float32),
        "R": random.normal(size=(1, 20, 5)).astype(np.float32),
        "B": random.normal(size=(1, 40)).astype(np.float32),
        "h": matrix(5, 3),
        "zero": ints(0),
    }
    weights |= {name: np.ones(shape, np.float32) for name, shape in (shapes or {}).items()}
    nodes = [
        node("Transpose", ["observation"], ["turned"], perm=[1, 0, 2]),
        node("LSTM", ["turned", "W", "R", "B"], ["", "last"], **{"hidden_size": 5, **attributes}),
        node("Squeeze", ["last", "zero"], ["f"]),
        node("MatMul", ["f", "h"], ["logits"]),
    ]
    return bytes(model(nodes, weights, shape=("N", steps, 4)).SerializeToString())


def gru(**attributes: object) -> bytes:
    random = np.random.default_rng(0)
    weights = {
        "W": random.normal(size=(1, 15, 4)).astype(np.float32),
        "R": random.normal(size=(1, 15, 5)).astype(np.float32),
        "B": random.normal(size=(1, 30)).astype(np.float32),
        "h": matrix(5, 3),
        "zero": ints(0),
    }
    nodes = [
        node("Transpose", ["observation"], ["turned"], perm=[1, 0, 2]),
        node("GRU", ["turned", "W", "R", "B"], ["all"], **{"hidden_size": 5, **attributes}),
        node("Squeeze", ["all", "one"], ["steps"]),
        node("ReduceMean", ["steps"], ["f"], axes=[0], keepdims=0),
        node("MatMul", ["f", "h"], ["logits"]),
    ]
    return bytes(model(nodes, {**weights, "one": ints(1)}, shape=("N", 3, 4), opset=17).SerializeToString())


@pytest.mark.parametrize(
    "data", [lstm(), lstm(1), lstm(activations=["Sigmoid", "Tanh", "Tanh"]), gru(), gru(linear_before_reset=1)]
)
def test_a_history_is_unrolled(data: bytes) -> None:
    policy = imported(data)  # compared with onnxruntime's own LSTM and GRU
    assert policy.card.states == []
    assert policy.card.max_disagreement < 1e-5
    inputs = 4 * 5 + 5 * 5 + 2 * 5
    assert policy.card.parameters <= 4 * inputs + 5 * 3  # held once, however many steps there are


@pytest.mark.parametrize(
    "data",
    [
        lstm(33),
        lstm(direction="reverse"),
        lstm(activations=["Sigmoid", "Relu", "Tanh"]),
        lstm(clip=3.0),
        lstm(input_forget=1),
        lstm(layout=1),
        lstm(hidden_size=7),
        gru(direction="bidirectional"),
        lstm(shapes={"W": (1, 20, 5)}),
        lstm(shapes={"W": (2, 20, 4)}),
        lstm(shapes={"R": (1, 20, 0)}),
        lstm(shapes={"R": ()}),
        lstm(shapes={"B": (1, 20)}),
        lstm(shapes={"B": ()}),
    ],
)
def test_other_recurrences_are_refused(data: bytes) -> None:
    with pytest.raises(PolicyRejected) as caught:
        imported(data)
    assert caught.value.code in ("unsupported-operator", "architecture-mismatch")


@pytest.mark.parametrize("exporter", [pytest.param("new", marks=slow), "old"])
def test_a_row_that_goes_in_as_a_sequence_is_refused_with_what_to_do(exported: Exported, exporter: str) -> None:
    """torch.nn.LSTM takes (1, 4) as one step without a batch axis."""
    data = exported(UnbatchedLstmPolicy, (vectors(1), *zeros((1, HIDDEN), (1, HIDDEN))), exporter, False)
    with pytest.raises(PolicyRejected, match=r"batch dynamic|dynamic batch"):
        imported(data)


@pytest.mark.parametrize(("exporter", "dynamic"), EXPORTS)
def test_a_layer_that_starts_every_step_anew_is_told(exported: Exported, exporter: str, dynamic: bool) -> None:
    guesses = imported(exported(StatelessPolicy, vectors(2 if dynamic else 1), exporter, dynamic)).card.guesses
    assert any("starts every step from the same state" in guess for guess in guesses)
    assert not any("no memory" in guess for guess in imported(lstm()).card.guesses)


class Forgetful(nn.Module):
    """A policy over a history of three observations that gives its memory and takes none."""

    def __init__(self, kind: Callable[..., nn.Module] = nn.GRU) -> None:
        super().__init__()
        self.layer, self.policy = kind(4, HIDDEN, batch_first=True), nn.Linear(HIDDEN, 3)

    def forward(self, observation: Tensor) -> tuple[Tensor, Tensor]:
        outputs, state = self.layer(observation)
        return self.policy(outputs[:, -1]), state


def forgetful_lstm() -> nn.Module:
    return Forgetful(nn.LSTM)


@pytest.mark.parametrize(("exporter", "dynamic"), EXPORTS)
@pytest.mark.parametrize("make", [Forgetful, forgetful_lstm])
def test_a_state_that_is_given_and_not_taken_is_no_head_and_told(
    exported: Exported, make: Callable[[], nn.Module], exporter: str, dynamic: bool
) -> None:
    rows = 2 if dynamic else 1
    policy = imported(exported(make, vectors(rows, 12).reshape(rows, 3, 4), exporter, dynamic))
    history = vectors(3, 12).reshape(3, 3, 4)
    with torch.no_grad():
        close([load_network(policy.model)(history).logits], [seeded(make)(history)[0]])
    assert (policy.card.actions, policy.card.states) == (3, [])
    assert any("no memory is carried" in guess for guess in policy.card.guesses)
