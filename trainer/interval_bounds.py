"""Interval bound propagation (Gowal et al. 2018): what a policy can at most make of a box of observations.

Every layer is either affine, where the middle of a box goes through the layer and its radius through the absolute
weights, or rises in each entry, where both ends go through it. Differences of logits are bounded as one affine layer,
which is tighter than bounding each logit. Always fp32: what bf16 rounds away would escape.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from saddlepoint.errors import UnsupportedArchitecture
from trainer.network import PIXEL_MAXIMUM, ActorCritic, MlpNetwork, NatureNetwork


@dataclass(frozen=True)
class Interval:
    """All points with |x - middle| <= radius in every entry."""

    middle: Tensor
    radius: Tensor

    @classmethod
    def between(cls, lower: Tensor, upper: Tensor) -> "Interval":
        return cls((upper + lower) / 2, (upper - lower) / 2)

    @property
    def lower(self) -> Tensor:
        return self.middle - self.radius

    @property
    def upper(self) -> Tensor:
        return self.middle + self.radius

    def rising(self, function: Callable[[Tensor], Tensor]) -> "Interval":
        """Through a function that rises, or stands, in each entry by itself."""
        return Interval.between(function(self.lower), function(self.upper))

    def linear(self, layer: nn.Linear) -> "Interval":
        return Interval(layer(self.middle), functional.linear(self.radius, layer.weight.abs()))

    def convolved(self, layer: nn.Conv2d, scale: float = 1.0) -> "Interval":
        """`scale`: what the layer multiplies its weights by."""
        middle, weight = layer(self.middle), (layer.weight * scale).abs()
        radius = functional.conv2d(self.radius, weight, stride=layer.stride)
        return Interval(middle, radius.reshape(middle.shape))  # one as large as the picture leaves no sides


def check_boundable(network: ActorCritic) -> None:
    """Raise UnsupportedArchitecture for a network whose layers are not known here."""
    if type(network) not in _BODIES:
        raise UnsupportedArchitecture(
            "Interval bounds are known for the Nature CNN and for the 64-64 tanh networks, and this policy is another "
            f"network ({type(network).__name__}). Choose another method, such as sa_ppo."
        )


def margin_bounds(network: ActorCritic, box: Interval, actions: Tensor) -> Interval:
    """(N, A): of z_b - z_a, each logit less that of the row's own action, over a box of encoded observations.

    Differentiable in the weights. Raises UnsupportedArchitecture.
    """
    check_boundable(network)
    features, last = _BODIES[type(network)](network, box)
    logits = last(features.middle)
    own = actions[:, None]
    differences = (last.weight[:, None] - last.weight).abs().flatten(0, 1)
    radii = functional.linear(features.radius, differences).view(-1, last.out_features, last.out_features)
    return Interval(
        logits - logits.gather(1, own), radii[torch.arange(len(actions), device=actions.device), :, actions]
    )


def log_probability_bounds(network: ActorCritic, box: Interval, actions: Tensor) -> tuple[Tensor, Tensor]:
    """The lowest and the highest log-probability, (N,) nats, that each action may have in its box."""
    margins = margin_bounds(network, box, actions)
    return -margins.upper.logsumexp(1), -margins.lower.logsumexp(1)


def _nature(network: NatureNetwork, box: Interval) -> tuple[Interval, nn.Linear]:
    x = Interval(box.middle.permute(0, 3, 1, 2), box.radius.permute(0, 3, 1, 2))
    x = x.convolved(network.conv1, 1 / PIXEL_MAXIMUM).rising(torch.relu)
    x = x.convolved(network.conv2).rising(torch.relu)
    x = x.convolved(network.conv3).rising(torch.relu)
    return x.convolved(network.hidden).rising(torch.relu), network.policy


def _mlp(network: MlpNetwork, box: Interval) -> tuple[Interval, nn.Linear]:
    policy = network.policy
    return box.linear(policy.hidden1).rising(torch.tanh).linear(policy.hidden2).rising(torch.tanh), policy.output


_BODIES: dict[type[ActorCritic], Callable[[Any, Interval], tuple[Interval, nn.Linear]]] = {
    NatureNetwork: _nature,
    MlpNetwork: _mlp,
}
"""Bounds of the last hidden features, and the layer that makes logits of them."""
