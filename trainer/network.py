"""The networks that PPO trains: a policy and a value from an observation that was encoded once, when it was stored."""

from collections.abc import Callable
from math import sqrt
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from saddlepoint.attacks.network import AttackedNetwork
from saddlepoint.errors import UnsupportedEnvironment
from saddlepoint.policies.chains import Cast, Chain, Geometry, Layer, Linear, Reshaped, Tanh, Transposed
from saddlepoint.policies.packed import convolution, linear
from saddlepoint.schemas.environments import DiscreteSpace, EnvironmentDescription
from trainer.frozen import Beside, FrozenPolicy
from trainer.space_to_depth import BLOCK, to_depth

Precision = Literal["bf16", "fp32"]
PIXEL_MAXIMUM = 255.0
SMALLEST_SIDE = 36
"""Of a picture whose three convolutions leave something."""


class ActorCritic(nn.Module):
    """A policy and a state value."""

    policy_path: ClassVar[tuple[str, ...]]
    """The layers from the observation to the logits or means."""
    value_path: ClassVar[tuple[str, ...]]
    """Likewise to the value, but those of the policy."""
    log_std: nn.Parameter | None
    """(D,): of a Gaussian of ours, whatever it observes."""
    precision: Precision = "fp32"
    """Of the convolutional body; a network of vectors computes in fp32 in any case."""

    def __init__(self) -> None:
        super().__init__()
        self.register_parameter("log_std", None)

    def center_on(self, observation: Tensor, *, as_before: bool) -> None:
        """Take the commonest number of these observations (N, *obs) for zero, where the network can.

        `as_before`: the outputs stay what they are, as they must where the weights have been trained.
        """

    def encode(self, observation: Tensor) -> Tensor:
        """Observations (N, *obs), in the environment's units, in the layout that `forward` takes and rollouts store."""
        raise NotImplementedError

    def forward(self, encoded: Tensor) -> tuple[Tensor, Tensor]:
        """The policy's head (N, K): logits, or mean and log_std side by side. And values (N,); both float32."""
        raise NotImplementedError

    @property
    def dtype(self) -> torch.dtype:
        """What `forward` casts encoded observations to before anything else."""
        return torch.float32

    def collecting(self) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
        """What computes the same as this network does now, without gradients and faster where it can."""
        return self

    def frozen(self) -> AttackedNetwork:
        """The policy as it is now, to be attacked; later changes of the weights do not reach it."""
        raise NotImplementedError


class _PixelConvolution(nn.Conv2d):
    """A convolution of (pixel - center) / 255 for pixels 0..255.

    Most of a frame is one bright colour. Without `center` every filter answers mostly to that, and the first gradient
    steps push whole filters below zero: in Boxing over 90% of all features were dead within 20,000 steps. The
    convolution has no padding, so the center can be folded into its bias. bf16 holds whole numbers up to 256 exactly
    and their 255ths not, so the scale goes to the weights.
    """

    center: Tensor

    def __init__(self, channels: int, outputs: int, kernel: int) -> None:
        super().__init__(channels, outputs, kernel)
        self.register_buffer("center", torch.zeros(()))

    @torch.no_grad()
    def center_on(self, center: int, *, as_before: bool) -> None:
        if as_before and self.bias is not None:
            self.bias += (center - self.center) / PIXEL_MAXIMUM * self.weight.sum((1, 2, 3))
        self.center.fill_(center)

    def centered(self) -> tuple[Tensor, Tensor]:
        """Weight and bias of the same convolution on pixels less `center`."""
        assert self.bias is not None
        return self.weight.detach() / PIXEL_MAXIMUM, self.bias.detach()

    def plain(self) -> tuple[Tensor, Tensor]:
        """Weight and bias of the same convolution on pixels as they are."""
        weight, bias = self.centered()
        return weight, bias - self.center * weight.sum((1, 2, 3))

    def forward(self, pixels: Tensor) -> Tensor:
        if self.center.is_nonzero():  # a pass over all pixels, a twentieth of a gradient step
            pixels = pixels - self.center.to(pixels.dtype)
        return functional.conv2d(pixels, self.weight / PIXEL_MAXIMUM, self.bias)


class _PictureLinear(nn.Conv2d):
    """A linear layer of whole pictures (N, C, H, W), whose weight has the order of theirs in memory, channels last.

    Turning either into the order of the other cost a thirtieth of a gradient step.
    """

    def forward(self, pictures: Tensor) -> Tensor:
        return functional.linear(_in_memory_order(pictures), _in_memory_order(self.weight), self.bias)


class NatureNetwork(ActorCritic):
    """The Nature CNN (Mnih et al. 2015), one body for policy and value.

    Its first convolution, 8x8 with stride 4, is a 2x2 convolution over 4x4 blocks turned into channels: the same sums
    in a shape that processors multiply fast. Stacks of frames, (N, frames, H, W), 0..255.
    """

    policy_path = ("conv1", "conv2", "conv3", "hidden", "policy")
    value_path = ("value",)

    def __init__(self, frames: int, size: tuple[int, int], outputs: int) -> None:
        super().__init__()
        self.conv1 = _PixelConvolution(frames * BLOCK * BLOCK, 32, 2)
        self.conv2 = nn.Conv2d(32, 64, 4, stride=2)
        self.conv3 = nn.Conv2d(64, 64, 3)
        self.hidden = _PictureLinear(64, 512, (_side(size[0]), _side(size[1])))
        self.policy = nn.Linear(512, outputs)
        self.value = nn.Linear(512, 1)

    def center_on(self, observation: Tensor, *, as_before: bool) -> None:
        self.conv1.center_on(int(observation.flatten().bincount(minlength=256).argmax()), as_before=as_before)

    def encode(self, observation: Tensor) -> Tensor:
        return to_depth(observation)

    def forward(self, encoded: Tensor) -> tuple[Tensor, Tensor]:
        with torch.autocast(encoded.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            x = self.conv1(encoded.to(self.dtype).permute(0, 3, 1, 2)).relu_()
            x = self.conv2(x).relu_()
            x = self.conv3(x).relu_()
            x = self.hidden(x).relu_()
        x = x.float()
        return _head(self.policy(x), self.log_std), self.value(x).squeeze(-1)

    @property
    def dtype(self) -> torch.dtype:
        """Of the body."""
        return torch.bfloat16 if self.precision == "bf16" else torch.float32

    def collecting(self) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
        """With weights that are cast and laid out once, and not at every step."""
        body, policy, value = (
            Chain(self._frozen_body(*self.conv1.centered())),
            _frozen(self.policy),
            _frozen(self.value),
        )
        log_std = None if self.log_std is None else self.log_std.detach().clone()
        center = self.conv1.center.to(self.dtype) if self.conv1.center.is_nonzero() else None

        def answer(encoded: Tensor) -> tuple[Tensor, Tensor]:
            pixels = encoded.to(self.dtype)
            features = body.values(pixels if center is None else pixels - center)[-1]
            return _head(policy.forward(features), log_std), value.forward(features).squeeze(-1)

        return answer

    def frozen(self) -> FrozenPolicy:
        """On plain pixels, so that an attack does not subtract at each step."""
        layers = (*self._frozen_body(*self.conv1.plain()), _frozen(self.policy), *_deviation(self.log_std))
        return FrozenPolicy(Chain(layers), self.dtype)

    def _frozen_body(self, *first: Tensor) -> tuple[Layer, ...]:
        """From pixels to float32 features, in its precision for good; `first` are weight and bias of `conv1`."""
        others = (self.conv2, self.conv3, self.hidden)
        parts = [*first, *(part for layer in others for part in layer.parameters())]
        weight1, bias1, weight2, bias2, weight3, bias3, weight4, bias4 = (
            part.detach().to(self.dtype, copy=True) for part in parts
        )
        return (
            Transposed((0, 3, 1, 2)),
            convolution(weight1, bias1, Geometry(), relu=True),
            convolution(weight2, bias2, Geometry(strides=(2, 2)), relu=True),
            convolution(weight3, bias3, Geometry(), relu=True),
            Transposed((0, 2, 3, 1)),
            Reshaped((-1, weight4[0].numel())),
            linear(_in_memory_order(weight4), bias4, relu=True),
            Cast(torch.float32),
        )


class MlpNetwork(ActorCritic):
    """Two separate tanh networks of two layers, for flat observations; always fp32."""

    policy_path = ("policy.hidden1", "policy.hidden2", "policy.output")
    value_path = ("value.hidden1", "value.hidden2", "value.output")

    def __init__(self, inputs: int, outputs: int, width: int = 64) -> None:
        super().__init__()
        self.policy = _TanhNetwork(inputs, width, outputs)
        self.value = _TanhNetwork(inputs, width, 1)

    def encode(self, observation: Tensor) -> Tensor:
        return observation.flatten(1).to(torch.float32, copy=True)

    def forward(self, encoded: Tensor) -> tuple[Tensor, Tensor]:
        return _head(self.policy(encoded), self.log_std), self.value(encoded).squeeze(-1)

    def frozen(self) -> FrozenPolicy:
        hidden1, hidden2, output = map(_frozen, (self.policy.hidden1, self.policy.hidden2, self.policy.output))
        return FrozenPolicy(Chain((hidden1, Tanh(), hidden2, Tanh(), output, *_deviation(self.log_std))))


def make_network(description: EnvironmentDescription) -> ActorCritic:
    """The network for an environment, computing in fp32; over actions of numbers a Gaussian of deviation 1.

    Raises UnsupportedEnvironment for observations that are neither stacks of grey frames nor vectors.
    """
    shape, action = description.observation.shape, description.action
    network: ActorCritic
    if len(shape) == 3 and min(shape[1:]) >= SMALLEST_SIDE:
        network = NatureNetwork(shape[0], (shape[1], shape[2]), action.n)
    elif len(shape) == 1:
        network = MlpNetwork(shape[0], action.n)
    else:
        raise UnsupportedEnvironment(
            f"Observations must be stacks of grey frames (frames, rows, columns) of {SMALLEST_SIDE} pixels or more, or "
            f"vectors (1 axis), to be trained on, not of shape {list(shape)}. Choose grayscale frames or flatten the "
            "observations."
        )
    if not isinstance(action, DiscreteSpace):
        network.log_std = nn.Parameter(torch.zeros(action.n))
    return network


def initialize(network: ActorCritic, generator: torch.Generator, value_gain: float) -> None:
    """Orthogonal weights with gain sqrt(2), 0.01 in the policy's last layer, biases 0 (OpenAI baselines)."""
    gains = {network.policy_path[-1]: 0.01, network.value_path[-1]: value_gain}
    for name, layer in network.named_modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.orthogonal_(layer.weight, gains.get(name, sqrt(2)), generator=generator)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]


class _TanhNetwork(nn.Module):
    def __init__(self, inputs: int, width: int, outputs: int) -> None:
        super().__init__()
        self.hidden1 = nn.Linear(inputs, width)
        self.hidden2 = nn.Linear(width, width)
        self.output = nn.Linear(width, outputs)

    def forward(self, x: Tensor) -> Tensor:
        outputs: Tensor = self.output(self.hidden2(self.hidden1(x).tanh()).tanh())
        return outputs


def _in_memory_order(pictures: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, H W C), a view where they are channels last."""
    return pictures.permute(0, 2, 3, 1).flatten(1)


def _head(outputs: Tensor, log_std: Tensor | None) -> Tensor:
    return outputs if log_std is None else torch.cat([outputs, log_std.expand_as(outputs)], dim=1)


def _frozen(layer: nn.Linear) -> Linear:
    weight, bias = (part.detach().clone() for part in (layer.weight, layer.bias))
    return linear(weight, bias)


def _deviation(log_std: Tensor | None) -> list[Beside]:
    """What puts the deviation beside the mean, as `_head` does."""
    return [] if log_std is None else [Beside(log_std.detach().clone())]


def _side(side: int) -> int:
    """The length of a side after the three convolutions."""
    for kernel, stride in ((8, 4), (4, 2), (3, 1)):
        side = (side - kernel) // stride + 1
    return side
