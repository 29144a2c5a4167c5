"""The same attack by Foolbox (Rauber et al. 2020)."""

import eagerpy as ep
import foolbox
import torch
from torch import Tensor, nn

from saddlepoint.schemas.attacks import ResolvedAttack


class _CrossEntropyPgd(foolbox.attacks.LinfProjectedGradientDescentAttack):  # type: ignore[misc]
    """Raises the cross entropy of the policy against the clean one, where Foolbox's own takes labels."""

    def __init__(self, clean: Tensor, attack: ResolvedAttack) -> None:
        super().__init__(steps=attack.steps, abs_stepsize=attack.step_size, random_start=True)
        self._clean = ep.astensor(clean)

    def get_loss_fn(self, model, labels):  # type: ignore[no-untyped-def]
        return lambda inputs: -(model(inputs).softmax() * self._clean).sum()


def foolbox_pgd(policy: nn.Module, observation: Tensor, attack: ResolvedAttack) -> Tensor:
    """The perturbed observations."""
    with torch.no_grad():
        logits = policy(observation)
    model = foolbox.PyTorchModel(policy.eval(), bounds=(0, 255), device="cpu")
    pgd = _CrossEntropyPgd(logits.log_softmax(dim=1), attack)
    result: Tensor = pgd.run(model, observation, logits.argmax(dim=1), epsilon=attack.epsilon)
    with torch.no_grad():
        policy(result)
    return result
