"""Layers whose weights stay as they are, laid out once the way that the CPU's kernels (oneDNN) read them.

PyTorch's own layers lay out their weights anew at every call, and leave float32 matrices to MKL, which reaches half of
what a processor of another maker can do. The operators are those that `torch.compile` puts in their place, but for
their own ReLU, which makes 0 of NaN.
"""

from collections.abc import Sequence
from functools import cached_property

import torch
from torch import Tensor

from saddlepoint.policies.chains import Convolution, Geometry, Linear

LEAST_MATRIX = 2**16
"""Entries of a matrix from which on it gains: below, the call itself is what takes the time."""
_ROWS = 64
"""The layout is chosen for so many, whatever comes, so that results do not depend on what came first."""
_OPERATORS = ("_linear_pointwise", "_convolution_pointwise", "_reorder_linear_weight", "_reorder_convolution_weight")


def can_pack(weight: Tensor) -> bool:
    """Whether a layer with this weight gains by it, on this processor and in this precision."""
    if weight.device.type != "cpu" or not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    if weight.ndim == 2 and weight.numel() < LEAST_MATRIX:
        return False
    if not all(hasattr(torch.ops.mkldnn, name) for name in _OPERATORS):
        return False
    if weight.dtype == torch.bfloat16:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return weight.dtype == torch.float32


def linear(weight: Tensor, bias: Tensor | None, *, relu: bool = False) -> Linear:
    """The layer, packed where that gains."""
    return (PackedLinear if can_pack(weight) else Linear)(weight, bias, relu=relu)


def convolution(weight: Tensor, bias: Tensor | None, geometry: Geometry, *, relu: bool = False) -> Convolution:
    """The layer, packed where that gains."""
    return (PackedConvolution if can_pack(weight) else Convolution)(weight, bias, geometry, relu=relu)


class PackedLinear(Linear):
    """A Linear that also keeps its weight packed: for the product, and once it is asked for a gradient for that."""

    def __init__(self, weight: Tensor, bias: Tensor | None, *, relu: bool = False) -> None:
        super().__init__(weight, bias, relu=relu)
        self._packed = torch.ops.mkldnn._reorder_linear_weight(weight.contiguous(), _ROWS)

    @cached_property
    def _transposed(self) -> Tensor:
        transposed: Tensor = torch.ops.mkldnn._reorder_linear_weight(self.weight.t().contiguous(), _ROWS)
        return transposed

    def product(self, x: Tensor) -> Tensor:
        y: Tensor = torch.ops.mkldnn._linear_pointwise(x.contiguous(), self._packed, self.bias, "none", [], "")
        return y

    def of_input(self, gradient: Tensor, x: Tensor) -> Tensor:
        gradient = gradient.contiguous()
        of_x: Tensor = torch.ops.mkldnn._linear_pointwise(gradient, self._transposed, None, "none", [], "")
        return of_x


class PackedConvolution(Convolution):
    """A Convolution whose weight is laid out for the pictures it gets, and whose output is channels last."""

    def __init__(self, weight: Tensor, bias: Tensor | None, geometry: Geometry, *, relu: bool = False) -> None:
        super().__init__(weight, bias, geometry, relu=relu)
        self._packed: dict[Sequence[int], Tensor] = {}

    def product(self, x: Tensor) -> Tensor:
        g, weight = self.geometry, self._for_pictures(x.shape[1:])
        y: Tensor = torch.ops.mkldnn._convolution_pointwise(
            x, weight, self.bias, g.padding, g.strides, g.dilations, g.groups, "none", [], ""
        )
        return y

    def _for_pictures(self, shape: Sequence[int]) -> Tensor:
        """The weight as it is read for pictures (C, H, W)."""
        if shape not in self._packed:
            g = self.geometry
            self._packed[shape] = torch.ops.mkldnn._reorder_convolution_weight(
                self.weight, g.padding, g.strides, g.dilations, g.groups, [_ROWS, *shape]
            )
        return self._packed[shape]
