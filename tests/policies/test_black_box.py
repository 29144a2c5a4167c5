"""A policy that is only asked, in onnxruntime."""

import pytest
import torch
from torch import Tensor

from saddlepoint.policies import canonical_model, load_network
from saddlepoint.policies.black_box import BlackBox
from tests.policies.conftest import Exported
from tests.policies.networks import NatureCnn, frames, imported, seeded, vectors
from tests.policies.recurrent_models import HIDDEN, LstmPolicy

NATURE = canonical_model(dict(seeded(NatureCnn).state_dict()))


def test_it_answers_what_the_network_answers_in_the_same_layout() -> None:
    network = load_network(NATURE)
    black_box = BlackBox(network, NATURE)
    arranged = black_box.to_attack_layout(frames(5))
    assert torch.equal(arranged, network.to_attack_layout(frames(5)))
    assert torch.equal(black_box.from_attack_layout(arranged), frames(5))
    found, expected = (each.forward_attack(arranged) for each in (black_box, network))
    torch.testing.assert_close(found.head, expected.head, atol=1e-5, rtol=0)
    assert (found.value, found.states) == (None, ())


def test_a_row_does_not_depend_on_the_others() -> None:
    network = load_network(NATURE)
    black_box = BlackBox(network, NATURE)
    heads = [black_box.forward_attack(network.to_attack_layout(rows)).head for rows in (frames(8), frames(8).flip(0))]
    assert torch.equal(heads[0], heads[1].flip(0))


def test_states_are_carried(exported: Exported) -> None:
    model = imported(exported(LstmPolicy, (vectors(1), *[torch.zeros(1, 1, HIDDEN)] * 2), "old", True)).model
    network = load_network(model)
    black_box = BlackBox(network, model)
    assert black_box.state_shapes == network.state_shapes
    heads: list[list[Tensor]] = []
    for each in (black_box, network):
        states, found = network.initial_states(3), []
        for step in range(3):
            outputs = each.forward_attack(vectors(3, seed=step), states)
            states = outputs.states
            found.append(outputs.head)
        heads.append(found)
    torch.testing.assert_close(heads[0], heads[1], atol=1e-5, rtol=0)
    assert not torch.equal(heads[0][0], heads[0][1])


def test_it_has_no_gradient_and_no_value() -> None:
    network = load_network(NATURE)
    black_box = BlackBox(network, NATURE)
    leaf = network.to_attack_layout(frames(1)).requires_grad_()
    assert not black_box.forward_attack(leaf).head.requires_grad
    with pytest.raises(ValueError, match="head alone"):
        black_box.forward_attack(leaf, with_value=True)
