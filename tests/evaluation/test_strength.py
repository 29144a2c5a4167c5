"""What the probed states say of an attack's strength."""

from typing import Any

import pytest

from saddlepoint.evaluation.acting import CHECK_STEP
from saddlepoint.evaluation.strength import strength_of
from saddlepoint.schemas.plans import EpisodeResult
from tests.attacks.toys import attack
from tests.evaluation.corridor import Corridor
from tests.evaluation.episodes import result
from tests.evaluation.plans import cell, plan
from tests.evaluation.test_shards import entries, play_corridor

CE = attack("ce")


def probed(**fields: Any) -> EpisodeResult:
    sums = {
        "probe_steps": 10,
        "probe_loss_clean_sum": 10.0,
        "probe_loss_sum": 30.0,
        "probe_loss_longer_sum": 30.0,
        "probe_loss_restarted_sum": 30.0,
        "probe_flips": 8,
        "probe_flips_huge": 9,
    }
    return result(**sums | fields)


def test_a_strong_attack_has_no_flags() -> None:
    strength = strength_of(CE, [probed()])
    assert strength.flags == []
    assert strength.numbers == {
        "probed_steps": 10,
        "gain_of_longer": 0.0,
        "gain_of_restart": 0.0,
        "noise_wins": 0.0,
        "flips_by_huge": 0.9,
    }


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"probe_loss_longer_sum": 36.0}, "Twice the steps would raise the loss by 30% more"),
        ({"probe_loss_restarted_sum": 34.0}, "One more start would raise the loss by 20% more"),
        ({"probe_noise_wins": 3}, "higher loss at 30%"),
        ({"probe_flips_noise": 9}, "masked"),
    ],
)
def test_what_would_have_been_stronger_is_said(fields: dict[str, Any], text: str) -> None:
    (flag,) = strength_of(CE, [probed(**fields)]).flags
    assert text in flag


@pytest.mark.parametrize(
    ("fields", "masked"), [({"probe_loss_longer_sum": 36.0}, False), ({"probe_noise_wins": 3}, True)]
)
def test_only_gradients_that_look_masked_make_an_attack_no_evidence(fields: dict[str, Any], masked: bool) -> None:
    assert strength_of(CE, [probed(**fields)]).masked == masked


def test_a_few_states_are_too_few_for_a_flag() -> None:
    strength = strength_of(CE, [probed(probe_steps=4, probe_noise_wins=4)])
    assert strength.flags == []
    assert strength.numbers["noise_wins"] == 1


def test_a_single_step_is_not_told_to_take_more() -> None:
    fgsm = attack("ce").model_copy(update={"kind": "fgsm"})
    assert strength_of(fgsm, [probed(probe_loss_longer_sum=36.0)]).flags == []


def test_without_probes_nothing_is_said() -> None:
    assert strength_of(CE, [result()]).numbers == {}


def test_actions_of_numbers_do_not_flip() -> None:
    assert strength_of(CE, [probed()], has_flips=False).numbers["flips_by_huge"] is None


def test_a_whole_shard_probes_the_first_episodes_of_its_seeds() -> None:
    """An attacker of twice the distance flips every action of the corridor, whatever the start and the steps."""
    cells = [cell(0), cell(1, attack("ce", epsilon=0.5))]
    long = Corridor(8)
    long.shortest = CHECK_STEP + 1
    results = play_corridor(plan(cells, entries(cells)), environment=long)
    for (index, _, number), found in results.items():
        expected = int(index == 1 and number == 0)
        assert found.probe_steps == found.probe_flips == found.probe_flips_huge == expected
        assert found.probe_loss_longer_sum == pytest.approx(found.probe_loss_sum)
        assert found.probe_loss_restarted_sum >= found.probe_loss_sum
        assert found.probe_noise_wins == 0
