"""Patches in channels, bit for bit as PyTorch moves them."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from saddlepoint.policies.patches import from_patches, to_patches


def pictures() -> Tensor:
    return torch.randn(3, 2, 12, 24, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("block", [2, 3, 4, 6])
def test_patches_are_those_of_pixel_unshuffle_and_come_back(block: int) -> None:
    patches = to_patches(pictures(), block)
    assert torch.equal(patches, F.pixel_unshuffle(pictures(), block))
    assert patches.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(from_patches(patches, block), pictures())
    assert from_patches(patches, block).is_contiguous()


@pytest.mark.parametrize("block", [2, 4])
def test_every_bit_is_kept(block: int) -> None:
    bits = torch.randint(-(2**31), 2**31 - 1, (1, 1, 8, 8), generator=torch.Generator().manual_seed(0)).int()
    odd = bits.view(torch.float32).clone()
    odd[0, 0, 0, :4] = torch.tensor([torch.nan, torch.inf, -0.0, 1e-45])
    there_and_back = from_patches(to_patches(odd, block), block)
    assert torch.equal(there_and_back.view(torch.int32), odd.view(torch.int32))


@pytest.mark.parametrize("block", [2, 3, 4])
def test_any_view_may_be_given(block: int) -> None:
    whole = torch.randn(2 * 12 * 24 + 1, generator=torch.Generator().manual_seed(0))
    shifted = whole[1:].view(1, 2, 12, 24)
    turned = pictures().transpose(2, 3)
    expanded = torch.arange(24.0).expand(2, 1, 12, 24)
    for x in (shifted, turned, expanded, pictures()[1:]):
        assert torch.equal(to_patches(x, block), F.pixel_unshuffle(x, block))
        assert torch.equal(from_patches(to_patches(x, block), block), x)


def test_gradients_flow_both_ways() -> None:
    x = pictures().requires_grad_()
    weights = torch.randn(3, 32, 3, 6, generator=torch.Generator().manual_seed(1))
    patches = to_patches(x, 4)
    (gradient,) = torch.autograd.grad((patches * weights).sum(), x, retain_graph=True)
    assert torch.equal(gradient, F.pixel_shuffle(weights, 4))
    (gradient,) = torch.autograd.grad((from_patches(patches, 4) ** 2).sum(), x)
    torch.testing.assert_close(gradient, 2 * pictures())
