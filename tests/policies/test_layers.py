"""Layers with their derivatives written out, packed and not, against automatic differentiation."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from saddlepoint.policies import packed
from saddlepoint.policies.chains import (
    Cast,
    Chain,
    Convolution,
    Geometry,
    Layer,
    Linear,
    Relu,
    Reshaped,
    Tanh,
    Transposed,
)
from saddlepoint.policies.packed import PackedConvolution, PackedLinear, can_pack, convolution, linear

ROWS = 5
GEOMETRIES = {
    "plain": Geometry(),
    "strided": Geometry(strides=(2, 2)),
    "padded": Geometry(padding=(1, 2)),
    "dilated and grouped": Geometry(strides=(1, 2), padding=(1, 1), dilations=(2, 1), groups=2),
}


def numbers(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


def assert_same(layer: Layer, reference: Callable[[Tensor], Tensor], x: Tensor, tolerance: float) -> None:
    """Output and gradient of `layer` are those of `reference`, relative to the largest entry."""
    leaf = x.clone().requires_grad_()
    expected = reference(leaf)
    y = layer.forward(x)
    gradient = numbers(*expected.shape).to(expected.dtype)
    (expected_gradient,) = torch.autograd.grad(expected, leaf, gradient)
    for found, wanted in ((y, expected.detach()), (layer.backward(gradient, x, y), expected_gradient)):
        assert (found.shape, found.dtype) == (wanted.shape, wanted.dtype)
        assert float((found - wanted).abs().max()) <= tolerance * float(wanted.abs().max())


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("has_bias", [False, True])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 1e-2)])
@pytest.mark.parametrize("make", [Linear, PackedLinear])
def test_linear_layers(make: type[Linear], dtype: torch.dtype, tolerance: float, has_bias: bool, relu: bool) -> None:
    weight, bias = numbers(40, 30).to(dtype), numbers(40).to(dtype) if has_bias else None

    def reference(x: Tensor) -> Tensor:
        y = F.linear(x, weight, bias)
        return y.relu() if relu else y

    assert_same(make(weight, bias, relu=relu), reference, numbers(ROWS, 30).to(dtype), tolerance)


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 1e-2)])
@pytest.mark.parametrize("kind", GEOMETRIES)
@pytest.mark.parametrize("make", [Convolution, PackedConvolution])
def test_convolutions(
    make: type[Convolution], kind: str, dtype: torch.dtype, tolerance: float, relu: bool, channels_last: bool
) -> None:
    g = GEOMETRIES[kind]
    layout = torch.channels_last if channels_last else torch.contiguous_format
    weight, bias = numbers(8, 4 // g.groups, 3, 3).to(dtype).contiguous(memory_format=layout), numbers(8).to(dtype)
    x = numbers(ROWS, 4, 9, 10).to(dtype).contiguous(memory_format=layout)

    def reference(pictures: Tensor) -> Tensor:
        y = F.conv2d(pictures, weight, bias, g.strides, g.padding, g.dilations, g.groups)
        return y.relu() if relu else y

    assert_same(make(weight, bias, g, relu=relu), reference, x, tolerance)


@pytest.mark.parametrize(
    ("layer", "reference"),
    [
        (Relu(), torch.relu),
        (Tanh(), torch.tanh),
        (Transposed((0, 2, 3, 1)), lambda x: x.permute(0, 2, 3, 1)),
        (Reshaped((-1, 24)), lambda x: x.reshape(-1, 24)),
        (Cast(torch.float64), lambda x: x.double()),
    ],
)
def test_other_layers(layer: Layer, reference: Callable[[Tensor], Tensor]) -> None:
    assert_same(layer, reference, numbers(ROWS, 2, 3, 4), 1e-6)


@pytest.mark.parametrize("make", [Linear, PackedLinear])
def test_what_is_not_a_number_stays_none(make: type[Linear]) -> None:
    x = numbers(2, 30)
    x[0, 0] = torch.nan
    y = make(numbers(40, 30), None, relu=True).forward(x)
    assert y.isnan().all(dim=1).tolist() == [True, False]


@pytest.mark.parametrize("make", [Convolution, PackedConvolution])
def test_what_is_not_a_number_stays_none_where_a_filter_sees_it(make: type[Convolution]) -> None:
    x = numbers(1, 4, 9, 9)
    x[0, 0, 0, 0] = torch.nan
    y = make(numbers(8, 4, 3, 3), None, Geometry(), relu=True).forward(x)
    assert y.isnan().sum() == 8
    assert y[0, :, 0, 0].isnan().all()


def test_a_convolution_takes_pictures_of_any_size() -> None:
    weight = numbers(8, 4, 3, 3)
    layer = PackedConvolution(weight, None, Geometry())
    for size in (9, 12, 9):
        x = numbers(ROWS, 4, size, size)
        torch.testing.assert_close(layer.forward(x), F.conv2d(x, weight), atol=1e-4, rtol=1e-4)


def test_results_do_not_depend_on_what_came_before() -> None:
    weight, bias = numbers(300, 400), numbers(300)
    warm = PackedLinear(weight, bias)
    for rows in (1, 200, 64):
        warm.forward(numbers(rows, 400))
    x = numbers(64, 400)
    assert torch.equal(warm.forward(x), PackedLinear(weight, bias).forward(x))


def test_a_chain_is_differentiable_and_agrees_with_what_it_has_written_out() -> None:
    chain = Chain((Linear(numbers(16, 6), numbers(16), relu=True), Linear(numbers(16, 16), None), Tanh()))
    x = numbers(ROWS, 6).requires_grad_()
    y, pull_back = chain.vjp(x.detach())
    gradient = numbers(ROWS, 16)
    (expected,) = torch.autograd.grad(chain(x), x, gradient)
    assert torch.equal(chain(x), y)
    assert not y.requires_grad
    assert torch.equal(pull_back(gradient), expected)
    assert float(expected.abs().min(dim=1).values.max()) > 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16])
def test_what_is_packed(dtype: torch.dtype) -> None:
    """Large matrices and all convolutions, in the precisions that have kernels for it."""
    packs = dtype == torch.float32 and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
    large, small, filters = numbers(256, 256).to(dtype), numbers(64, 64).to(dtype), numbers(8, 4, 3, 3).to(dtype)
    assert isinstance(linear(large, None), PackedLinear) == packs
    assert not isinstance(linear(small, None), PackedLinear)
    assert isinstance(convolution(filters, None, Geometry()), PackedConvolution) == packs


def test_nothing_is_packed_where_the_operators_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "_OPERATORS", ("_no_such_operator",))
    assert not can_pack(numbers(256, 256))
