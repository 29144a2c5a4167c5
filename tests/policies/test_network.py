"""The differentiable network: its layout for attacks, its gradients, its precision."""

from math import prod

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from saddlepoint.errors import BackendDisagreement
from saddlepoint.policies import canonical_model, check_rows, disagreement, load_network
from saddlepoint.policies.agreement import compare, compare_all
from saddlepoint.policies.network import PolicyNetwork, Precision
from tests.policies.networks import NatureCnn, frames, seeded, vectors

PERCEPTRON = {
    "policy.hidden1.weight": torch.randn(16, 4, generator=torch.Generator().manual_seed(0)),
    "policy.hidden2.weight": torch.randn(16, 16, generator=torch.Generator().manual_seed(1)),
    "policy.output.weight": torch.randn(3, 16, generator=torch.Generator().manual_seed(2)),
    "value.hidden1.weight": torch.randn(16, 4, generator=torch.Generator().manual_seed(3)),
    "value.hidden2.weight": torch.randn(16, 16, generator=torch.Generator().manual_seed(4)),
    "value.output.weight": torch.randn(1, 16, generator=torch.Generator().manual_seed(5)),
}


def nature(precision: Precision = "fp32") -> PolicyNetwork:
    return load_network(canonical_model(dict(seeded(NatureCnn).state_dict())), precision=precision)


def perceptron(precision: Precision = "fp32") -> PolicyNetwork:
    return load_network(canonical_model(PERCEPTRON), precision=precision)


def gradient(logits: Tensor, x: Tensor) -> Tensor:
    (result,) = torch.autograd.grad(logits.logsumexp(1).sum(), x)
    return result


def test_the_attack_layout_is_a_rearrangement_that_can_be_undone() -> None:
    network = nature()
    arranged = network.to_attack_layout(frames(2))
    assert arranged.shape == (2, 64, 21, 21)
    assert arranged.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(network.from_attack_layout(arranged), frames(2))
    assert torch.equal(arranged.flatten().sort().values, frames(2).flatten().sort().values)


def test_both_layouts_give_the_same_logits() -> None:
    network = nature()
    arranged = network.forward_attack(network.to_attack_layout(frames(3)))
    assert torch.equal(arranged.logits, network(frames(3)).logits)


def test_gradients_are_those_of_the_network_as_it_was_written() -> None:
    network, original = nature(), seeded(NatureCnn)
    x = frames(3).requires_grad_()
    expected = gradient(original(x)[0], x)
    torch.testing.assert_close(gradient(network(x).logits, x), expected, atol=1e-8, rtol=1e-4)
    arranged = network.to_attack_layout(frames(3)).requires_grad_()
    found = gradient(network.forward_attack(arranged).logits, arranged)
    torch.testing.assert_close(network.from_attack_layout(found), expected, atol=1e-8, rtol=1e-4)


def test_the_value_is_computed_only_where_it_is_asked_for() -> None:
    network = perceptron()
    assert network.forward_attack(vectors(2)).value is None
    value = network.forward_attack(vectors(2), with_value=True).value
    assert value is not None
    assert torch.equal(value, network(vectors(2)).value)
    x = vectors(2)
    for name in ("hidden1", "hidden2"):
        x = nn.functional.linear(x, PERCEPTRON[f"value.{name}.weight"]).tanh()
    torch.testing.assert_close(value, nn.functional.linear(x, PERCEPTRON["value.output.weight"])[:, 0])


def test_vectors_stay_as_they_are_for_an_attack() -> None:
    x = vectors(2)
    assert perceptron().to_attack_layout(x) is x
    assert perceptron().from_attack_layout(x) is x


def test_weights_are_frozen() -> None:
    network = nature()
    assert list(network.parameters()) == []
    assert not network.training
    x = frames(1).requires_grad_()
    network(x).logits.sum().backward()
    assert all(buffer.grad is None for buffer in network.buffers())


def test_reduced_precision_is_close_and_gives_float32() -> None:
    full, reduced = nature()(frames(8)), nature("bf16")(frames(8))
    assert (reduced.logits.dtype, reduced.value.dtype) == (torch.float32, torch.float32)
    error = (full.logits - reduced.logits).abs().max()
    assert 0 < float(error) < 0.02 * float(full.logits.abs().max())


def test_reduced_precision_passes_gradients_in_float32() -> None:
    x = frames(4).requires_grad_()
    full, reduced = gradient(nature()(x).logits, x), gradient(nature("bf16")(x).logits, x)
    assert reduced.dtype == torch.float32
    agreement = (full.sign() == reduced.sign()).float().mean()
    assert float(agreement) > 0.9


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_gradients_at_an_observation_in_the_networks_own_precision_are_the_same(precision: Precision) -> None:
    network = nature(precision)
    arranged = network.to_attack_layout(frames(4))
    outer, inner = arranged.clone().requires_grad_(), arranged.to(network.dtype, copy=True).requires_grad_()
    expected = gradient(network.forward_attack(outer).logits, outer)
    found = gradient(network.forward_attack(inner).logits, inner)
    assert found.dtype == network.dtype
    assert torch.equal(found.float(), expected)


def test_fast_gradients_have_the_signs_of_plain_ones() -> None:
    network, original = nature(), seeded(NatureCnn)
    x, arranged = frames(8).requires_grad_(), network.to_attack_layout(frames(8)).requires_grad_()
    expected = gradient(original(x)[0], x)
    found = network.from_attack_layout(gradient(network.forward_attack(arranged).logits, arranged))
    sizeable = expected.abs() > 1e-6 * expected.abs().max()
    assert torch.equal(found.sign()[sizeable], expected.sign()[sizeable])


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_rows_do_not_depend_on_the_number_of_rows(rows: int) -> None:
    network = nature()
    torch.testing.assert_close(network(frames(8)).logits[:rows], network(frames(8)[:rows]).logits, atol=1e-6, rtol=0)


def test_the_canonical_model_agrees_with_onnxruntime() -> None:
    model = canonical_model(dict(seeded(NatureCnn).state_dict()))
    assert disagreement(load_network(model), model, check_rows((4, 84, 84))) < 1e-5


def test_the_score_of_a_masked_action_does_not_hide_a_difference() -> None:
    reference = np.array([[1.0, -1e9], [2.0, -1e9]], np.float32)
    assert compare(reference, reference) == 0
    with pytest.raises(BackendDisagreement, match=r"differ by 0\.1"):
        compare(reference + np.array([[0.1, 0.0]], np.float32), reference)
    with pytest.raises(BackendDisagreement):
        compare(reference * np.array([[1.0, 1.001]], np.float32), reference)


def test_states_may_differ_by_more_than_heads() -> None:
    head, state = np.ones((2, 3), np.float32), np.ones((2, 4), np.float32)
    near, far = np.float32(5e-4), np.float32(2e-3)
    assert compare_all([head, state + near, head, state], [head, state] * 2, states=1) == pytest.approx(5e-4, abs=1e-6)
    for outputs in ([head, state + far, head, state], [head, state, head + near, state]):
        with pytest.raises(BackendDisagreement):
            compare_all(outputs, [head, state] * 2, states=1)


def test_rows_to_check_at_are_plausible_and_always_the_same() -> None:
    rows = check_rows((4, 6, 6))
    assert rows.shape == (16, 4, 6, 6)
    assert (rows.min(), rows.max()) == (0, 255)
    assert (rows == rows.round()).all()
    assert (rows == check_rows((4, 6, 6))).all()
    vector = check_rows((3,), -1.0, 2.0)
    assert (vector.min(), vector.max()) == (-1, 2)
    assert any(not row.any() for row in vector)
    assert prod(check_rows((3,)).shape) == 48
