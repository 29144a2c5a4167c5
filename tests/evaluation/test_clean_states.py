"""What attacks do at states of unattacked episodes."""

from collections.abc import Sequence

import pytest

from saddlepoint.evaluation import clean_states
from saddlepoint.evaluation.acting import Networks
from saddlepoint.evaluation.clean_states import at_clean_states, unattacked
from saddlepoint.schemas.attacks import Every
from saddlepoint.schemas.examinations import CleanStates
from saddlepoint.schemas.plans import EpisodeId, PlannedCell
from tests.attacks.toys import attack
from tests.evaluation.corridor import Corridor, honest_policy, length_of
from tests.evaluation.plans import cell, plan

WEAK, STRONG = attack("ce", epsilon=0.1), attack("ce", epsilon=0.5)


def looked(cells: Sequence[PlannedCell], seeds: int = 5, alive: list[None] | None = None) -> dict[int, CleanStates]:
    entries = [(c.index, seed, 0) for seed in range(seeds) for c in cells]
    planned = plan(cells, entries)
    clean = unattacked(planned)
    lengths = {} if clean is None else {EpisodeId(clean.index, s, 0): length_of(s, 0) for s in range(seeds)}
    policy, heard = honest_policy(), [] if alive is None else alive
    return at_clean_states(planned, Networks(policy, policy), Corridor(8), lengths, alive=lambda: heard.append(None))


def test_flips_by_hand() -> None:
    """Twice the distance flips every action, less than the distance none; the states are the same ones."""
    found = looked([cell(0), cell(1, WEAK), cell(2, STRONG)])
    assert set(found) == {1, 2}
    assert (found[1].flip_rate, found[2].flip_rate) == (0.0, 1.0)
    assert found[1].states == found[2].states == sum(length_of(seed, 0) for seed in range(5))
    assert found[1].mean_kl is not None
    assert found[2].mean_kl is not None
    assert 0 < found[1].mean_kl < found[2].mean_kl


def test_a_cell_is_looked_at_as_if_it_were_alone() -> None:
    together, alone = looked([cell(0), cell(1, WEAK), cell(2, STRONG)]), looked([cell(0), cell(1, STRONG)])
    assert together[2] == alone[1]


def test_the_attack_acts_when_its_rule_says_so() -> None:
    timed = STRONG.model_copy(update={"when": Every(kind="every", every=2)})
    found = looked([cell(0), cell(1, STRONG), cell(2, timed)])
    assert found[2].states < found[1].states
    assert found[2].flip_rate == 1.0


def test_without_an_unattacked_cell_or_an_attack_there_is_nothing_to_look_at() -> None:
    assert looked([cell(0, STRONG)]) == {}
    assert looked([cell(0)]) == {}


def test_of_many_states_a_few_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clean_states, "STATES", 16)
    found = looked([cell(0), cell(1, STRONG)])
    assert 0 < found[1].states <= 16


def test_long_attacks_are_looked_at_on_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clean_states, "GRADIENTS", 8 * (1 + STRONG.steps))
    assert looked([cell(0), cell(1, STRONG)])[1].states <= 5


def test_what_costs_too_much_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clean_states, "GRADIENTS", 8 * (1 + STRONG.steps))
    long = STRONG.model_copy(update={"steps": 1000})
    assert set(looked([cell(0), cell(1, long), cell(2, STRONG), cell(3, WEAK)])) == {2}


def test_a_sign_of_life_comes_after_every_batch() -> None:
    alive: list[None] = []
    looked([cell(0), cell(1, STRONG), cell(2, WEAK)], alive=alive)
    assert len(alive) >= 2 * 4


def test_the_greedy_twin_of_an_attack_is_not_attacked_again() -> None:
    alive: list[None] = []
    found = looked([cell(0), cell(1, STRONG), cell(2, STRONG, mode="sample", role="greedy")], alive=alive)
    assert found[1] == found[2]
    assert len(alive) <= 8
