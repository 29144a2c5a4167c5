"""The same evaluation beside a GPU, where this machine has one."""

import pytest
import torch

from saddlepoint.evaluation.shards import load_networks
from saddlepoint.schemas.environments import EnvironmentSpec, describe_atari
from tests.attacks.toys import attack
from tests.evaluation.networks import atari_policy, balancing_policy
from tests.evaluation.plans import CARTPOLE, cell, plan
from tests.evaluation.test_shards_on_networks import mean_return, play

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
BOXING = describe_atari(EnvironmentSpec(id="BoxingNoFrameskip-v4"))


def test_the_policy_attack_topples_a_pole_that_noise_does_not() -> None:
    cells = [cell(0), cell(1, attack("random", epsilon=0.2)), cell(2, attack("ce", epsilon=0.2))]
    planned = plan(cells, [(c.index, seed, 0) for seed in range(6) for c in cells], environment=CARTPOLE, lanes=16)
    assert load_networks(planned, balancing_policy()).device.type == "cuda"
    results = play(planned, balancing_policy())
    assert mean_return(results, "key-0") == 500
    assert mean_return(results, "key-1") > 300
    assert mean_return(results, "key-2") < 60


def test_groups_of_lanes_change_nothing() -> None:
    cells = [cell(0, mode="sample"), cell(1, attack("ce", epsilon=4.0), mode="sample")]
    entries = [(c.index, seed, 0) for seed in range(8) for c in cells]
    planned = plan(cells, entries, environment=BOXING, precision="bf16", max_episode_steps=6)
    assert play(planned, atari_policy(), groups=1) == play(planned, atari_policy(), groups=2)
