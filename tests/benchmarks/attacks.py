"""PGD-7 on the Nature CNN, batch 64, against the textbook loop."""

import torch

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


def attack_figures() -> list[Figure]:
    """Ours as an evaluation uses it: bf16 gradients where the machine has them fast, and fp32 ones."""
    generator = torch.Generator().manual_seed(0)
    weights = nature_weights(ACTIONS, generator)
    observation = torch.randint(0, 256, (BATCH, 4, 84, 84), generator=generator).float()
    noise = torch.rand(observation.shape, generator=generator)
    model, textbook = nature_model(weights), TextbookPolicy(weights)
    acting, rows = load_network(model), uniform_rows(ATTACK, BATCH)

    def compared(name: str, attacked: PolicyNetwork, goal: float | None) -> Figure:
        return compare_rates(
            name,
            lambda: perturb(acting, observation, rows, noise, PIXELS, attack_network=attacked),
            lambda: textbook_pgd(textbook, observation, ATTACK.epsilon, ATTACK.steps, ATTACK.step_size),
            count=BATCH,
            unit="observations/s",
            goal=goal,
        )

    return [
        compared("pgd7_vs_textbook", load_network(model, precision=Settings().default_precision), 1.5),
        compared("pgd7_fp32_vs_textbook", acting, None),
    ]
