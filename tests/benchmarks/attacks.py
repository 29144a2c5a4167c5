"""PGD-7 on the Nature CNN, batch 64, against the textbook loop, Foolbox and the machine itself."""

from collections.abc import Callable

import torch
from torch import Tensor

from saddlepoint.attacks.ball import Bounds
from saddlepoint.attacks.pgd import perturb
from saddlepoint.attacks.rows import uniform_rows
from saddlepoint.policies.network import PolicyNetwork, load_network
from saddlepoint.schemas.attacks import ResolvedAttack
from saddlepoint.settings import Settings
from tests.benchmarks.measuring import Figure, compare_rates
from tests.benchmarks.textbook import TextbookPolicy, textbook_pgd
from tests.evaluation.networks import nature_model, nature_weights

BATCH, ACTIONS = 64, 18
ATTACK = ResolvedAttack(kind="ce", epsilon=4.0, steps=7, step_size=2.0)
PIXELS = Bounds(torch.tensor(0.0), torch.tensor(255.0))
GFLOP = 0.30
"""Of one observation: 9 forward and 7 backward passes of 9.3 million multiply-adds each."""
SIDE = 2048


def attack_figures() -> list[Figure]:
    """Ours as an evaluation uses it: bf16 gradients where the machine has them fast, and fp32 ones."""
    from tests.benchmarks.foolbox_pgd import foolbox_pgd  # it warns as it is imported, and tests import this module

    generator = torch.Generator().manual_seed(0)
    weights = nature_weights(ACTIONS, generator)
    observation = torch.randint(0, 256, (BATCH, 4, 84, 84), generator=generator).float()
    noise = torch.rand(observation.shape, generator=generator)
    model, textbook = nature_model(weights), TextbookPolicy(weights)
    acting, rows = load_network(model), uniform_rows(ATTACK, BATCH)
    fast = load_network(model, precision=Settings().default_precision)
    matrix = torch.rand(SIDE, SIDE, generator=generator)

    def ours(attacked: PolicyNetwork) -> Callable[[], object]:
        return lambda: perturb(acting, observation, rows, noise, PIXELS, attack_network=attacked)

    def theirs(x: Tensor) -> Callable[[], object]:
        return lambda: textbook_pgd(textbook, x, ATTACK.epsilon, ATTACK.steps, ATTACK.step_size)

    def against(name: str, attacked: PolicyNetwork, baseline: Callable[[], object], count: int, goal: float) -> Figure:
        unit = "observations/s"
        return compare_rates(
            name, ours(attacked), baseline, count=BATCH, unit=unit, baseline_count=count, goal=goal, repeats=11
        )

    return [
        against("pgd7_vs_textbook", fast, theirs(observation), BATCH, 4.0),
        against("pgd7_fp32_vs_textbook", acting, theirs(observation), BATCH, 2.2),
        against("pgd7_vs_batch1", fast, theirs(observation[:1]), 1, 20.0),
        against("pgd7_vs_foolbox", fast, lambda: foolbox_pgd(textbook, observation, ATTACK), BATCH, 4.5),
        compare_rates(
            "pgd7_vs_gemm",
            ours(fast),
            lambda: matrix @ matrix,
            count=GFLOP * BATCH,
            baseline_count=2 * SIDE**3 / 1e9,
            unit="GFLOP/s",
            goal=1.3,
            repeats=11,
        ),
    ]
