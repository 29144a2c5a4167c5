"""What a file says that actions are worth, beside its head: read, checked, kept in the canonical model, and told."""

from typing import Any

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor

from saddlepoint.errors import BackendDisagreement, PolicyRejected
from saddlepoint.policies import PolicyNetwork, load_network
from saddlepoint.policies.agreement import check_rows, disagreement, run_onnx
from saddlepoint.policies.critic import without_critic
from saddlepoint.policies.onnx_writer import to_onnx
from saddlepoint.policies.reading import read_canonical
from tests.policies.networks import imported, vectors
from tests.policies.onnx_models import Array, matrix, model, node

WEIGHTS = {"w": matrix(), "v": matrix(seed=1)}
WIDE = {**WEIGHTS, "u": matrix(4, 6)}
LOGITS, OTHER = node("MatMul", ["observation", "w"], ["logits"]), node("MatMul", ["observation", "v"], ["q_values"])


def both(*outputs: str, weights: dict[str, Array] = WEIGHTS, values: onnx.NodeProto = OTHER) -> bytes:
    return bytes(model([LOGITS, values], weights, outputs=outputs or ("logits", "q_values")).SerializeToString())


def values_of(network: PolicyNetwork, rows: Tensor) -> Tensor:
    critic = network.critic(network.to_attack_layout(rows))
    assert critic is not None
    return critic.values


def renamed(output: str) -> bytes:
    values = node("MatMul", ["observation", "v"], [output])
    return both("logits", output, values=values)


@pytest.mark.parametrize(
    ("data", "hints"),
    [
        (both(), {}),
        (both("q_values", "logits"), {}),
        (renamed("judge"), {"outputs": {"logits": "logits", "q_values": "judge"}}),
    ],
    ids=["by name", "in another order", "by the card"],
)
def test_values_beside_logits_are_the_critic_of_the_policy(data: bytes, hints: dict[str, Any]) -> None:
    policy = imported(data, **hints)
    network, rows = load_network(policy.model), vectors(5)
    torch.testing.assert_close(network(rows).head, rows @ torch.from_numpy(WEIGHTS["w"]), atol=1e-6, rtol=0)
    torch.testing.assert_close(values_of(network, rows), rows @ torch.from_numpy(WEIGHTS["v"]), atol=1e-6, rtol=0)
    assert (policy.card.head, policy.card.guesses, policy.card.has_critic) == ("logits", [], True)
    assert [(item.name, item.shape) for item in policy.card.outputs] == [("logits", (3,)), ("q_values", (3,))]


def test_a_card_that_names_values_alone_makes_them_the_head() -> None:
    policy = imported(both(), outputs={"q_values": "q_values"})
    assert (policy.card.head, policy.card.has_critic) == ("q_values", True)
    assert load_network(policy.model).critic(vectors(1)) is None


def test_a_policy_without_values_has_no_critic() -> None:
    policy = imported(both("logits"))
    assert not policy.card.has_critic
    assert load_network(policy.model).critic(vectors(1)) is None


def test_what_the_card_calls_values_must_be_one_per_action() -> None:
    outputs = {"logits": "logits", "q_values": "judge"}
    six = both("logits", "judge", values=node("MatMul", ["observation", "u"], ["judge"]), weights=WIDE)
    with pytest.raises(PolicyRejected, match=r"one number per action, \(N, 3\); the output 'judge'"):
        imported(six, outputs=outputs)
    with pytest.raises(PolicyRejected, match="the output 'nothing'"):
        imported(both(), outputs={**outputs, "q_values": "nothing"})


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (node("MatMul", ["observation", "u"], ["q_values"]), "one number per action"),
        (node("Hardmax", ["logits"], ["q_values"]), "Hardmax"),
    ],
    ids=["quantiles", "an operator that is not taken"],
)
def test_what_is_only_called_values_is_left_out_and_told(values: onnx.NodeProto, told: str) -> None:
    policy = imported(both("logits", "q_values", values=values, weights=WIDE))
    assert (policy.card.head, policy.card.has_critic) == ("logits", False)
    assert len(policy.card.guesses) == 1
    assert policy.card.guesses[0].startswith("output 'q_values' left out")
    assert told in policy.card.guesses[0]


def test_values_that_are_not_finite_are_refused() -> None:
    nodes = [LOGITS, node("MatMul", ["observation", "v"], ["x"]), node("Log", ["x"], ["q_values"])]
    with pytest.raises(PolicyRejected, match="must be finite"):
        imported(model(nodes, WEIGHTS, outputs=("logits", "q_values")).SerializeToString())


def test_torch_and_onnxruntime_must_agree_on_the_values() -> None:
    ours, theirs = imported(both()).model, imported(both(weights=WEIGHTS | {"v": matrix(seed=2)})).model
    with pytest.raises(BackendDisagreement):
        disagreement(load_network(ours), theirs, check_rows((4,)))


def test_the_canonical_model_can_be_written_again_and_be_without() -> None:
    policy = imported(both())
    graph = read_canonical(policy.model)
    assert to_onnx(graph) == policy.model
    alone = load_network(to_onnx(without_critic(graph)))
    assert torch.equal(alone(vectors(3)).head, load_network(policy.model)(vectors(3)).head)
    assert alone.critic(vectors(3)) is None
    assert without_critic(read_canonical(imported(both("logits")).model)).outputs.keys() == {"logits"}


def test_who_runs_the_canonical_model_finds_the_values_by_name() -> None:
    rows = vectors(3).numpy()
    (found,) = run_onnx(imported(both()).model, ["q_values"])({"observation": rows})
    np.testing.assert_allclose(found, rows @ WEIGHTS["v"], atol=1e-6)


def test_a_policy_with_memory_judges_at_the_state_that_it_carries() -> None:
    nodes = [
        node("Add", ["observation", "state_0"], ["next_state_0"]),
        node("MatMul", ["next_state_0", "w"], ["logits"]),
        node("MatMul", ["next_state_0", "v"], ["q_values"]),
    ]
    names, outputs = ("observation", "state_0"), ("logits", "q_values", "next_state_0")
    policy = imported(model(nodes, WEIGHTS, inputs=names, outputs=outputs).SerializeToString())
    assert ([state.shape for state in policy.card.states], policy.card.has_critic) == ([(4,)], True)
    critic = load_network(policy.model).critic(vectors(3), [vectors(3, seed=5)])
    assert critic is not None
    expected = (vectors(3) + vectors(3, seed=5)) @ torch.from_numpy(WEIGHTS["v"])
    torch.testing.assert_close(critic.values, expected, atol=1e-5, rtol=0)
