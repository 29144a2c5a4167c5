"""What the inputs and outputs of a policy with memory are, where names and shapes tell."""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper

from saddlepoint.errors import PolicyRejected
from saddlepoint.policies import load_network
from saddlepoint.policies.onnx_fixed import has_one_a_row, likely_fixed
from tests.policies.networks import imported, vectors
from tests.policies.onnx_models import Array, ints, matrix, node
from tests.policies.onnx_models import model as made
from tests.policies.recurrent_models import stepped

Sizes = Sequence[int | str]
Input = tuple[int, Sizes]
FLOAT, BOOL, INT32, INT64 = TensorProto.FLOAT, TensorProto.BOOL, TensorProto.INT32, TensorProto.INT64


def remembering(
    states: Sequence[str] = ("a", "b"),
    following: Sequence[str] = ("a_out", "b_out"),
    *nodes: onnx.NodeProto,
    outputs: Sequence[str] | None = None,
    scores: str = "output",
    kept: Sequence[str] | None = None,
    more: Mapping[str, Input] | None = None,
    weights: dict[str, Array] | None = None,
) -> bytes:
    """A model of two states (N, 3), a + x and x - b, and of scores (N, 2) of their product.

    `nodes` may make of further inputs what is `kept` of the states, and outputs may be in any order.
    """
    first, second = kept or states
    body = [
        node("MatMul", ["obs", "w"], ["x"]),
        *nodes,
        node("Add", ["x", first], [following[0]]),
        node("Sub", ["x", second], [following[1]]),
        node("Mul", list(following), ["product"]),
        node("MatMul", ["product", "v"], [scores]),
    ]
    all_weights = {"w": matrix(), "v": matrix(3, 2), **(weights or {})}
    file = made(body, all_weights, outputs=outputs or (scores, *following), inputs=("obs",))
    taken: dict[str, Input] = {**dict.fromkeys(states, (FLOAT, ("N", 3))), **(more or {})}
    for name, (element, sizes) in taken.items():
        file.graph.input.append(helper.make_tensor_value_info(name, element, list(sizes)))
    for item in file.graph.output:
        item.type.tensor_type.ClearField("shape")
    return bytes(onnx.shape_inference.infer_shapes(file).SerializeToString())


def check_carried(data: bytes, **card: Any) -> list[str]:
    """The policy computes what `remembering` says over three steps; its guesses."""
    policy = imported(data, **card)
    observations = [vectors(3, seed=step) for step in range(3)]
    a = b = torch.zeros(3, 3)
    for observation, found in zip(observations, stepped(load_network(policy.model), observations), strict=True):
        x = observation @ torch.from_numpy(matrix())
        a, b = a + x, x - b
        torch.testing.assert_close(found, (a * b) @ torch.from_numpy(matrix(3, 2)), atol=1e-4, rtol=1e-4)
    return policy.card.guesses


@pytest.mark.parametrize(
    ("states", "following"),
    [
        (("state_in_0", "state_in_1"), ("state_out_0", "state_out_1")),
        (("state_h", "state_c"), ("state_h_out", "state_c_out")),
        (("state_in", "cell_in"), ("state_out", "cell_out")),
        (("state_0", "state_1"), ("state_0_out", "state_1_out")),
        (("h", "c"), ("state_h", "state_c")),
        (("h", "c"), ("next_state_h", "next_state_c")),
    ],
)
def test_names_that_only_begin_like_the_contracts_are_paired_by_shape_and_order(
    states: tuple[str, str], following: tuple[str, str]
) -> None:
    pairs = ", ".join(f"{one!r} becoming {other!r}" for one, other in zip(states, following, strict=True))
    assert f"inputs taken as states by shape and order: {pairs}" in check_carried(remembering(states, following))


@pytest.mark.parametrize(
    ("states", "following"),
    [
        (("actor_h", "critic_h"), ("actor_h_out", "critic_h_out")),
        (("rnn_in/1", "rnn_in/2"), ("new/rnn/1", "new/rnn/2")),
        (("next_state_0", "next_state_1"), ("state_0", "state_1")),
    ],
)
def test_states_become_the_outputs_of_their_names_whatever_the_order(
    states: tuple[str, str], following: tuple[str, str]
) -> None:
    check_carried(remembering(states, following, outputs=("output", *reversed(following))))


def with_pictures(
    *nodes: onnx.NodeProto, shape: Sizes = ("N", 1, 8, 8), more: Mapping[str, Input] | None = None
) -> bytes:
    """Two states (N, 3) of other widths in turn come before the pictures; `nodes` make `flat` (N, K) of `frames`."""
    body = [
        *nodes,
        node("MatMul", ["flat", "p"], ["x"]),
        node("Add", ["x", "h"], ["h_out"]),
        node("MatMul", ["h_out", "v"], ["y"]),
        node("Add", ["y", "g"], ["g_out"]),
        node("MatMul", ["g_out", "u"], ["output"]),
    ]
    weights = {"p": matrix(prod(int(size) for size in shape[1:]), 3), "v": matrix(3, 5), "u": matrix(5, 2)}
    file = made(body, weights, outputs=("output", "h_out", "g_out"), inputs=())
    inputs: dict[str, Input] = {
        "h": (FLOAT, ("N", 3)),
        "g": (FLOAT, ("N", 5)),
        "frames": (FLOAT, shape),
        **(more or {}),
    }
    for name, (element, sizes) in inputs.items():
        file.graph.input.append(helper.make_tensor_value_info(name, element, list(sizes)))
    for item in file.graph.output:
        item.type.tensor_type.ClearField("shape")
    return bytes(onnx.shape_inference.infer_shapes(file).SerializeToString())


@pytest.mark.parametrize("shape", [(1, 8, 8), (9, 9, 12)])
def test_the_only_picture_is_the_observation(shape: tuple[int, ...]) -> None:
    policy = imported(with_pictures(node("Flatten", ["frames"], ["flat"]), shape=("N", *shape)))
    assert "input 'frames', the only picture, taken as the observation" in policy.card.guesses
    assert (sorted(policy.card.observation.shape), len(policy.card.states)) == (sorted(shape), 2)


def test_of_two_pictures_none_is_guessed() -> None:
    nodes = [node("Add", ["frames", "goal"], ["both"]), node("Flatten", ["both"], ["flat"])]
    with pytest.raises(PolicyRejected, match="Say which it is in the card"):
        imported(with_pictures(*nodes, more={"goal": (FLOAT, ("N", 1, 8, 8))}))


def test_a_state_may_come_out_in_sizes_that_the_file_leaves_open() -> None:
    file = onnx.load_model_from_string(remembering())
    for item in file.graph.output:
        if item.name != "output":
            item.type.tensor_type.shape.dim[1].dim_param = "Concat_dim_1"
    assert any("'a' becoming 'a_out'" in guess for guess in check_carried(file.SerializeToString()))


def test_names_of_the_contract_bind_whatever_the_order() -> None:
    states, following = ("state_b", "state_a"), ("next_state_b", "next_state_a")
    data = remembering(states, following, outputs=("output", "next_state_a", "next_state_b"))
    assert not any("by shape and order" in guess for guess in check_carried(data))


def test_a_card_may_give_a_role_of_its_own_to_what_is_called_like_a_next_state() -> None:
    data = remembering(("h", "c"), ("next_state_h", "next_state_c"))
    inputs, outputs = {"state_0": "h", "state_1": "c"}, {"next_state_0": "next_state_h", "next_state_1": "next_state_c"}
    assert not any("by shape and order" in guess for guess in check_carried(data, inputs=inputs, outputs=outputs))


@pytest.mark.parametrize("element", [INT32, INT64])
@pytest.mark.parametrize("name", ["seq_lens", "default_policy/seq_lens:0"])
def test_the_length_of_sequences_is_one(name: str, element: int) -> None:
    """Whatever reads it: here a state counts only where a sequence has a step."""
    nodes = [
        node("Cast", [name], ["length"], to=FLOAT),
        node("Unsqueeze", ["length", "one"], ["column"]),
        node("Mul", ["state_in_0", "column"], ["kept"]),
    ]
    data = remembering(
        ("state_in_0", "state_in_1"),
        ("state_out_0", "state_out_1"),
        *nodes,
        kept=("kept", "state_in_1"),
        more={name: (element, ("N",))},
        weights={"one": ints(1)},
    )
    assert any(guess.endswith("taken as 1 at every step (seq_lens)") for guess in check_carried(data))


@pytest.mark.parametrize("given", [(FLOAT, ("N",)), (INT64, ("N", 2))])
def test_lengths_that_are_no_integers_or_several_are_not_guessed(given: Input) -> None:
    nodes = [
        node("Cast", ["seq_lens"], ["floats"], to=FLOAT),
        node("ReduceSum", ["floats"], ["total"], keepdims=0),
        node("Mul", ["a", "total"], ["kept"]),
    ]
    with pytest.raises(PolicyRejected, match="also needs the input 'seq_lens'"):
        imported(remembering(("a", "b"), ("a_out", "b_out"), *nodes, kept=("kept", "b"), more={"seq_lens": given}))


def with_flag(name: str, wiped_at: float, given: Input) -> bytes:
    """`remembering` whose states count where the input, 0 or 1, is not `wiped_at`."""
    nodes = [
        node("Cast", [name], ["floats"], to=FLOAT),
        node("Reshape", ["floats", "as_column"], ["column"]),
        node("Sub", ["column", "number"], ["difference"]),
        node("Abs", ["difference"], ["factor"]),
        node("Mul", ["a", "factor"], ["kept_a"]),
        node("Mul", ["b", "factor"], ["kept_b"]),
    ]
    weights = {"as_column": ints(-1, 1), "number": np.array(wiped_at, np.float32)}
    kept, more = ("kept_a", "kept_b"), {name: given}
    return remembering(("a", "b"), ("a_out", "b_out"), *nodes, kept=kept, more=more, weights=weights)


@pytest.mark.parametrize("given", [(FLOAT, ("N",)), (FLOAT, ("N", 1)), (BOOL, ("N",)), (BOOL, ("N", 1))])
@pytest.mark.parametrize(
    "name",
    [
        *("done", "dones", "episode_start", "episode_starts", "is_first", "reset", "first"),
        *("is_init", "last_done", "next_done", "terminal", "terminated"),
    ],
)
def test_no_episode_begins_within_a_step(name: str, given: Input) -> None:
    guesses = check_carried(with_flag(name, 1.0, given))
    assert f"input {name!r} taken as 0 at every step (episode_start)" in guesses


@pytest.mark.parametrize(
    ("sizes", "of", "is_one"),
    [
        (("T", "N"), ("T", "N", 4), True),
        (("T", "N"), ("T", "N", 1, 8, 8), True),
        (("T", "N"), ("N", 4), False),
        (("T", "N", 4), ("T", "N", 4), False),
        ((1, "N"), (1, "N", 4), True),
    ],
)
def test_a_flag_may_be_of_as_many_steps_as_the_observation(sizes: Sizes, of: Sizes, is_one: bool) -> None:
    flag, observation = (helper.make_tensor_value_info("done", FLOAT, list(item)) for item in (sizes, of))
    assert has_one_a_row(flag, observation) == is_one
    assert (likely_fixed({"obs": observation, "done": flag}, frozenset()) == {}) == (len(sizes) > 2)


def test_the_card_overrules_the_name_of_an_input() -> None:
    data = with_flag("done", 0.0, (INT64, ("N",)))
    assert not any("'done'" in guess for guess in check_carried(data, inputs={"seq_lens": "done"}))


@pytest.mark.parametrize(
    ("given", "listed"),
    [
        ((FLOAT, ("N", 2)), "3 inputs, 'a', 'b', 'done'"),  # as wide as the scores
        ((FLOAT, ("N", 5)), "the input 'done'"),
        ((FLOAT, (7,)), "the input 'done'"),
        ((TensorProto.INT16, ("N",)), "the input 'done'"),
    ],
)
def test_inputs_of_other_shapes_and_types_are_not_guessed_and_all_open_ones_are_listed(
    given: Input, listed: str
) -> None:
    nodes = [
        node("Cast", ["done"], ["floats"], to=FLOAT),
        node("ReduceSum", ["floats"], ["total"], keepdims=0),
        node("Mul", ["a", "total"], ["kept"]),
    ]
    data = remembering(("a", "b"), ("a_out", "b_out"), *nodes, kept=("kept", "b"), more={"done": given})
    with pytest.raises(PolicyRejected, match=f"also needs {listed}"):
        imported(data)


def test_the_observation_may_be_called_like_a_flag() -> None:
    file = made([node("MatMul", ["first", "w"], ["output"])], {"w": matrix()}, inputs=("first",), outputs=("output",))
    assert imported(file.SerializeToString()).card.guesses == ["output 'output' taken as logits"]


@pytest.mark.parametrize("given", [(FLOAT, ("N",)), (FLOAT, ("N", 1)), (BOOL, ("N", 1))])
@pytest.mark.parametrize("name", ["mask", "masks", "not_done", "not_dones", "continues", "nonterminal", "nonterminals"])
def test_every_episode_goes_on_within_a_step(name: str, given: Input) -> None:
    guesses = check_carried(with_flag(name, 0.0, given))
    assert f"input {name!r} taken as 1 at every step (continues)" in guesses


def test_the_card_says_which_input_tells_that_an_episode_goes_on() -> None:
    data = with_flag("alive", 0.0, (FLOAT, ("N", 1)))
    with pytest.raises(PolicyRejected, match='"continues": "<input>"'):
        imported(data)
    assert not any("'alive'" in guess for guess in check_carried(data, inputs={"continues": "alive"}))


@pytest.mark.parametrize(
    ("wiped_at", "card", "words"),
    [
        (0.0, {"episode_start": "masks"}, "'masks' is 0 at every step; if it is 1 where an episode goes on"),
        (0.0, {"episode_start": "masks"}, '{"inputs": {"continues": "masks"}}'),
        (1.0, {}, '{"inputs": {"episode_start": "masks"}}'),
    ],
)
def test_a_flag_that_wipes_every_state_is_refused(wiped_at: float, card: dict[str, str], words: str) -> None:
    with pytest.raises(PolicyRejected, match="nothing that this one gives does") as caught:
        imported(with_flag("masks", wiped_at, (FLOAT, ("N", 1))), inputs=card)
    assert words in str(caught.value)


def test_states_that_change_nothing_are_refused() -> None:
    wiped = [node("Mul", ["a", "zero"], ["kept_a"]), node("Mul", ["b", "zero"], ["kept_b"])]
    weights = {"zero": np.zeros(3, np.float32)}
    data = remembering(("a", "b"), ("a_out", "b_out"), *wiped, kept=("kept_a", "kept_b"), weights=weights)
    with pytest.raises(PolicyRejected, match="Export it without its states"):
        imported(data)


@pytest.mark.parametrize("name", ["mask", "done"])
def test_a_policy_without_memory_means_something_else_by_a_flag(name: str) -> None:
    file = made(
        [node("Mul", ["obs", name], ["x"]), node("MatMul", ["x", "w"], ["output"])],
        {"w": matrix()},
        inputs=("obs",),
        outputs=("output",),
    )
    file.graph.input.append(helper.make_tensor_value_info(name, FLOAT, ["N", 1]))
    with pytest.raises(PolicyRejected, match=f"also needs the input '{name}'"):
        imported(file.SerializeToString())


@pytest.mark.parametrize("outputs", [("pi", "features"), ("pi", "features", "value"), ("features", "pi")])
@pytest.mark.parametrize("name", ["prev_action", "action_mask", "legal_moves"])
def test_the_scores_of_actions_are_no_state_that_an_action_or_a_mask_becomes(
    name: str, outputs: tuple[str, ...]
) -> None:
    nodes = [
        node("MatMul", ["obs", "w"], ["x"]),
        node("Add", ["x", name], ["pi"]),
        node("MatMul", ["pi", "u"], ["features"]),
        node("MatMul", ["pi", "t"], ["value"]),
    ]
    weights = {"w": matrix(), "u": matrix(3, 6), "t": matrix(3, 1)}
    file = made(nodes, weights, outputs=outputs, inputs=("obs",))
    file.graph.input.append(helper.make_tensor_value_info(name, FLOAT, ["N", 3]))
    with pytest.raises(PolicyRejected, match=f"also needs the input '{name}'"):
        imported(file.SerializeToString())


def test_a_mask_of_actions_is_no_flag() -> None:
    nodes = [node("ReduceSum", ["mask"], ["total"], keepdims=0), node("Mul", ["a", "total"], ["kept"])]
    more = {"mask": (FLOAT, ("N", 2))}
    with pytest.raises(PolicyRejected, match=r"'mask'.* Masks of actions are not taken, nor is the last action or"):
        imported(remembering(("a", "b"), ("a_out", "b_out"), *nodes, kept=("kept", "b"), more=more))


@pytest.mark.parametrize(
    "outputs", [("hn", "cn", "output"), ("hn", "cn", "output", "value"), ("output", "hn", "cn", "value")]
)
def test_states_are_told_from_scores_by_their_shapes_wherever_they_stand(outputs: tuple[str, ...]) -> None:
    value = node("ReduceMean", ["x", "axis"], ["value"], keepdims=1)
    guesses = check_carried(remembering(("h", "c"), ("hn", "cn"), value, outputs=outputs, weights={"axis": ints(1)}))
    assert "inputs taken as states by shape and order: 'h' becoming 'hn', 'c' becoming 'cn'" in guesses


@pytest.mark.parametrize("outputs", [("hn", "cn", "value"), ("hn", "output", "cn")])
def test_states_that_leave_no_scores_or_stand_apart_are_not_guessed(outputs: tuple[str, ...]) -> None:
    value = node("ReduceMean", ["x", "axis"], ["value"], keepdims=1)
    with pytest.raises(PolicyRejected, match="2 inputs, 'h', 'c'"):
        imported(remembering(("h", "c"), ("hn", "cn"), value, outputs=outputs, weights={"axis": ints(1)}))


@pytest.mark.parametrize(
    ("given", "outputs", "listed"),
    [
        ((FLOAT, ("N", 1)), ("value", "hn", "cn", "output"), "the input 'last'"),  # a reward is no state, nor a value
        ((FLOAT, ("N", 2)), ("logits", "hn", "cn"), "the input 'last'"),  # nor are scores an action becomes
        ((FLOAT, ("N", 2)), ("output", "value", "hn", "cn"), "3 inputs, 'h', 'c', 'last'"),
    ],
)
def test_the_last_reward_and_action_are_no_states(given: Input, outputs: tuple[str, ...], listed: str) -> None:
    nodes = [
        node("ReduceMean", ["x", "axis"], ["value"], keepdims=1),
        node("ReduceMean", ["last", "axis"], ["mean_of_last"], keepdims=1),
        node("Add", ["h", "mean_of_last"], ["kept"]),
    ]
    data = remembering(
        ("h", "c"),
        ("hn", "cn"),
        *nodes,
        outputs=outputs,
        scores="logits" if "logits" in outputs else "output",
        kept=("kept", "c"),
        more={"last": given},
        weights={"axis": ints(1)},
    )
    with pytest.raises(PolicyRejected, match=listed):
        imported(data)


@pytest.mark.parametrize("card", [{}, {"inputs": {"state_0": "state_h"}, "outputs": {"next_state_0": "next_state_h"}}])
def test_what_names_leave_open_is_paired_by_shape(card: dict[str, Any]) -> None:
    guesses = check_carried(remembering(("state_h", "cell_h"), ("next_state_h", "next_cell_h")), **card)
    assert "inputs taken as states by shape and order: 'cell_h' becoming 'next_cell_h'" in guesses
