"""The attack as tutorials and attack libraries write it: the baseline of our own."""

import torch
from torch import Tensor, nn


class TextbookPolicy(nn.Module):
    """The Nature CNN as its users build it, weights (convolutions, hidden layer, head) given."""

    def __init__(self, weights: list[Tensor]) -> None:
        super().__init__()
        convolutions = [nn.Conv2d(4, 32, 8, stride=4), nn.Conv2d(32, 64, 4, stride=2), nn.Conv2d(64, 64, 3)]
        hidden, head = nn.Linear(3136, 512), nn.Linear(512, weights[-1].shape[0])
        for layer, weight in zip([*convolutions, hidden, head], weights, strict=True):
            layer.load_state_dict({"weight": weight, "bias": torch.zeros(weight.shape[0])})
        features = [part for layer in convolutions for part in (layer, nn.ReLU())]
        self.network = nn.Sequential(*features, nn.Flatten(), hidden, nn.ReLU(), head)

    def forward(self, pixels: Tensor) -> Tensor:
        logits: Tensor = self.network(pixels / 255.0)
        return logits


def textbook_pgd(policy: nn.Module, observation: Tensor, epsilon: float, steps: int, step_size: float) -> Tensor:
    """Batched PGD on the cross entropy, fp32, autograd through everything, a new tensor at every step."""
    with torch.no_grad():
        clean = policy(observation).log_softmax(dim=1)
    x = observation + torch.empty_like(observation).uniform_(-epsilon, epsilon)
    x = torch.clamp(x, 0, 255)
    for _ in range(steps):
        x = x.detach().requires_grad_(True)
        loss = -(policy(x).softmax(dim=1) * clean).sum()
        policy.zero_grad()
        loss.backward()
        assert x.grad is not None
        x = x + step_size * x.grad.sign()
        x = torch.clamp(torch.min(torch.max(x, observation - epsilon), observation + epsilon), 0, 255)
    with torch.no_grad():
        policy(x)
    return x.detach()
