"""An evaluation through service, queue and workers, against the bare attack; and two workers against one."""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from clients import AttackClient
from clients.background import running_stack
from clients.demo import bundled_policy
from saddlepoint.attacks.pgd import perturb
from saddlepoint.attacks.rows import uniform_rows
from saddlepoint.policies import canonical_model
from saddlepoint.policies.network import load_network
from saddlepoint.settings import Settings
from tests.benchmarks.attacks import ATTACK, PIXELS
from tests.benchmarks.measuring import Figure, compare_rates
from tests.evaluation.episodes import plan_of, spec_of

ENVIRONMENT = "BoxingNoFrameskip-v4"
KINDS = ["ce", "max", "min"]
SEEDS, EPISODES, STEPS = 6, 8, 200
"""144 episodes, three shards of 64, 64 and what is left with the reference."""
WARM, LATE = 0.05, 0.8
"""The shares of all steps between which the rate is taken: starting and the last, half empty shard stay out."""

Sample = tuple[float, int]
"""Seconds, and agent steps until then."""


def stack_figures() -> list[Figure]:
    """Minutes long. The bare rate is taken before and after the stack plays, on the same number of cores."""
    before = _bare_rate()
    one = _evaluated_rate(workers=1)
    bare = (before + _bare_rate()) / 2
    two = _evaluated_rate(workers=2)
    return [
        Figure("evaluate_vs_engine", one, "steps/s", bare, one / bare, 0.7),
        Figure("scaling_2_workers", two, "steps/s", one, two / one, 1.7),
    ]


def rate(samples: Sequence[Sample], total: int) -> float:
    """Steps per second between the first sample after the warm-up and the last one before it gets late."""
    window = [(at, steps) for at, steps in samples if WARM * total <= steps <= LATE * total]
    (start, first), (end, last) = window[0], window[-1]
    return (last - first) / (end - start)


def _bare_rate() -> float:
    """Observations per second of the attack alone, at the width that the evaluation plays with."""
    model = canonical_model(load_file(bundled_policy()))
    acting, fast = load_network(model), load_network(model, precision=Settings().default_precision)
    width = plan_of(spec_of(attacks=KINDS, seeds=SEEDS, episodes_per_seed=EPISODES)).shards[0].lanes
    generator = torch.Generator().manual_seed(0)
    observation = torch.randint(0, 256, (width, 4, 84, 84), generator=generator).float()
    noise, rows = torch.rand(observation.shape, generator=generator), uniform_rows(ATTACK, width)

    def attack() -> object:
        return perturb(acting, observation, rows, noise, PIXELS, attack_network=fast)

    return compare_rates("bare", attack, attack, count=width, unit="observations/s", repeats=31).value


def _evaluated_rate(workers: int) -> float:
    samples: list[Sample] = []

    def observe(job: Any) -> None:
        samples.append((time.monotonic(), job.progress.environment_steps))

    with tempfile.TemporaryDirectory() as folder, running_stack(Path(folder), workers=workers) as stack:
        with AttackClient(stack.url) as client:
            client.robustness_report(
                bundled_policy(),
                env=ENVIRONMENT,
                attacks=KINDS,
                seeds=SEEDS,
                episodes_per_seed=EPISODES,
                max_episode_steps=STEPS,
                action_mode="sample",
                progress=observe,
            )
    return rate(samples, SEEDS * EPISODES * len(KINDS) * STEPS)
