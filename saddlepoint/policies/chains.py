"""Layers one after the other as one step of automatic differentiation, each with its derivative written out.

Only the gradient of the observation is wanted, weights stay as they are, and each call counts where a batch is small.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F


class Layer(Protocol):
    """A function of one tensor."""

    def forward(self, x: Tensor) -> Tensor: ...

    def backward(self, gradient: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """The gradient of x, where that of y = forward(x) is `gradient`."""


@dataclass(frozen=True)
class Chain:
    """The layers applied in turn; differentiable, in x alone."""

    layers: tuple[Layer, ...]

    def __call__(self, x: Tensor) -> Tensor:
        result: Tensor = _Chained.apply(x, self)  # type: ignore[no-untyped-call]
        return result

    @torch.no_grad()
    def vjp(self, x: Tensor) -> tuple[Tensor, Callable[[Tensor], Tensor]]:
        """The output, and what makes the gradient of x of that of the output, without automatic differentiation."""
        values = self.values(x)
        return values[-1], lambda gradient: self.backward(gradient, values)

    def values(self, x: Tensor) -> list[Tensor]:
        """x and what each layer makes of it."""
        values = [x]
        for layer in self.layers:
            values.append(layer.forward(values[-1]))
        return values

    @torch.no_grad()
    def backward(self, gradient: Tensor, values: Sequence[Tensor]) -> Tensor:
        """The gradient of x, where `values` came of it and `gradient` is that of the last of them."""
        for layer, x, y in zip(reversed(self.layers), values[-2::-1], values[:0:-1], strict=True):
            gradient = layer.backward(gradient, x, y)
        return gradient


class Weighted(ABC):
    """A layer that is linear in x, and with `relu` what of it is positive."""

    def __init__(self, weight: Tensor, bias: Tensor | None, *, relu: bool = False) -> None:
        self.weight, self.bias, self.relu = weight, bias, relu

    def forward(self, x: Tensor) -> Tensor:
        y = self.product(x)
        return y.relu_() if self.relu else y

    def backward(self, gradient: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return self.of_input(through_relu(gradient, y) if self.relu else gradient, x)

    @abstractmethod
    def product(self, x: Tensor) -> Tensor:
        """In memory of its own."""

    @abstractmethod
    def of_input(self, gradient: Tensor, x: Tensor) -> Tensor:
        """The gradient of x, where that of the product is `gradient`."""


class Linear(Weighted):
    """x (N, I) -> x W^T + b, (N, O)."""

    def product(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight, self.bias)

    def of_input(self, gradient: Tensor, x: Tensor) -> Tensor:
        return gradient @ self.weight


@dataclass(frozen=True)
class Geometry:
    """How a two-dimensional convolution slides; the padding is that of both ends."""

    strides: tuple[int, ...] = (1, 1)
    padding: tuple[int, ...] = (0, 0)
    dilations: tuple[int, ...] = (1, 1)
    groups: int = 1


class Convolution(Weighted):
    """x (N, C, H, W) convolved."""

    def __init__(self, weight: Tensor, bias: Tensor | None, geometry: Geometry, *, relu: bool = False) -> None:
        super().__init__(weight, bias, relu=relu)
        self.geometry = geometry

    def product(self, x: Tensor) -> Tensor:
        g = self.geometry
        return F.conv2d(x, self.weight, self.bias, g.strides, g.padding, g.dilations, g.groups)

    def of_input(self, gradient: Tensor, x: Tensor) -> Tensor:
        g, of_x_alone = self.geometry, [True, False, False]
        of_x: Tensor = torch.ops.aten.convolution_backward(
            gradient, x, self.weight, None, g.strides, g.padding, g.dilations, False, [0, 0], g.groups, of_x_alone
        )[0]
        return of_x


class Relu:
    def forward(self, x: Tensor) -> Tensor:
        return x.relu()

    def backward(self, gradient: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return through_relu(gradient, y)


class Tanh:
    """By NumPy on the CPU: PyTorch (MKL) takes five times as long, which is longer than the product before it."""

    def forward(self, x: Tensor) -> Tensor:
        if x.device.type != "cpu" or x.dtype != torch.float32:
            return x.tanh()
        return torch.from_numpy(np.tanh(x.detach().numpy()))

    def backward(self, gradient: Tensor, x: Tensor, y: Tensor) -> Tensor:
        result: Tensor = torch.ops.aten.tanh_backward(gradient, y)
        return result


@dataclass(frozen=True)
class Transposed:
    perm: tuple[int, ...]

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(self.perm)

    def backward(self, gradient: Tensor, x: Tensor, y: Tensor) -> Tensor:
        back = sorted(range(len(self.perm)), key=self.perm.__getitem__)
        return gradient.permute(back)


@dataclass(frozen=True)
class Reshaped:
    shape: tuple[int, ...]

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(self.shape)

    def backward(self, gradient: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return gradient.reshape(x.shape)


@dataclass(frozen=True)
class Cast:
    dtype: torch.dtype

    def forward(self, x: Tensor) -> Tensor:
        return x.to(self.dtype)

    def backward(self, gradient: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return gradient.to(x.dtype)


def through_relu(gradient: Tensor, y: Tensor) -> Tensor:
    """The gradient before a ReLU that gave `y`."""
    result: Tensor = torch.ops.aten.threshold_backward(gradient, y, 0)
    return result


class _Chained(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, chain: Chain) -> Tensor:
        values = chain.values(x)
        ctx.chain = chain
        ctx.save_for_backward(*values)
        return values[-1]

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return ctx.chain.backward(gradient, ctx.saved_tensors), None
