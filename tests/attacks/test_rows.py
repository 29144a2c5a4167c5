import torch

from saddlepoint.attacks.rows import Rows
from saddlepoint.schemas.attacks import ResolvedAttack
from tests.attacks.toys import attack


def test_rows_spell_out_their_attacks() -> None:
    rows = Rows.of([attack("none"), attack("random", 4.0), attack("ce", 4.0, steps=3), attack("max", 2.0, steps=7)])
    assert torch.equal(rows.epsilon, torch.tensor([0.0, 4.0, 4.0, 2.0]))
    assert torch.equal(rows.step_size[2:], torch.tensor([2.0, 1.0]))
    assert torch.equal(rows.steps, torch.tensor([0, 0, 3, 7]))
    assert rows.most_steps == 7
    assert torch.equal(rows.measured["max"], torch.tensor([False, False, False, True]))
    assert torch.equal(rows.measured["ce"], torch.tensor([True, True, True, False]))


def test_an_epsilon_of_zero_needs_neither_steps_nor_noise() -> None:
    rows = Rows.of([ResolvedAttack(kind="ce", epsilon=0.0, steps=7, step_size=0.0), attack("none")])
    assert rows.most_steps == 0
    assert not rows.uses_noise


def test_epsilon_is_rounded_down_so_that_no_reported_norm_exceeds_it() -> None:
    epsilons = [0.1, 0.3, 0.04, 1e-3, 4.0]
    rows = Rows.of([attack("random", epsilon) for epsilon in epsilons])
    assert all(stored <= asked for stored, asked in zip(rows.epsilon.tolist(), epsilons, strict=True))
    torch.testing.assert_close(rows.epsilon, torch.tensor(epsilons))
