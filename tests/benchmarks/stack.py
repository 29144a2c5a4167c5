"""An evaluation through service, queue and workers, against the bare attack; and two workers against one."""

import math
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

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
SEEDS, EPISODES = 6, 8
"""144 whole games, in shards of 64; they are canceled when enough was seen."""
WARM_S, WINDOW_S, EVERY_S = 10.0, 45.0, 0.5
"""Counted from the first steps. Emulators take a tenth of a second each to start, which whole games make small."""

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


def rate(samples: Sequence[Sample]) -> float:
    """Steps per second from the end of the warm-up to the last sample."""
    began = next(at for at, steps in samples if steps > 0)
    window = [(at, steps) for at, steps in samples if at >= began + WARM_S]
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
    with (
        tempfile.TemporaryDirectory() as folder,
        running_stack(Path(folder), workers=workers) as stack,
        AttackClient(stack.url) as client,
    ):
        evaluation = client.evaluate(
            bundled_policy(),
            env=ENVIRONMENT,
            attacks=KINDS,
            seeds=SEEDS,
            episodes_per_seed=EPISODES,
            action_mode="sample",
        )
        samples = list(_watched(client, evaluation.id))
        client.cancel(evaluation)
    return rate(samples)


def _watched(client: AttackClient, evaluation_id: str) -> Iterator[Sample]:
    ends = math.inf
    while (now := time.monotonic()) < ends:
        steps = client.evaluation(evaluation_id).progress.environment_steps
        if steps > 0:
            ends = min(ends, now + WARM_S + WINDOW_S)
        yield now, steps
        time.sleep(EVERY_S)
