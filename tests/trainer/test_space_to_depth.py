"""The convolution on blocks is the convolution it replaces."""

import pytest
import torch
from torch.nn import functional

from trainer.space_to_depth import kernel_from_depth, kernel_to_depth, to_depth


def test_a_block_becomes_the_channels_of_one_position() -> None:
    frames = torch.arange(2 * 4 * 8).reshape(1, 2, 4, 8)
    assert to_depth(frames)[0, 0, 1].tolist() == frames[0, :, :, 4:].flatten().tolist()


def test_bytes_and_floats_are_moved_alike() -> None:
    frames = torch.randint(0, 256, (3, 4, 84, 84), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    assert torch.equal(to_depth(frames).float(), to_depth(frames.float()))


@pytest.mark.parametrize("size", [(84, 84), (40, 36), (86, 45)])
def test_the_rewritten_convolution_gives_the_same_sums(size: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(1)
    # Whole numbers, so that the order of summation does not matter.
    frames = torch.randint(0, 256, (2, 4, *size), dtype=torch.uint8, generator=generator)
    kernel = torch.randint(-3, 4, (5, 4, 8, 8), generator=generator).float()
    expected = functional.conv2d(frames.float(), kernel, stride=4)
    blocks = to_depth(frames).permute(0, 3, 1, 2).float()
    assert torch.equal(functional.conv2d(blocks, kernel_to_depth(kernel)), expected)


def test_a_kernel_comes_back_from_depth() -> None:
    kernel = torch.randn(32, 4, 8, 8, generator=torch.Generator().manual_seed(2))
    assert torch.equal(kernel_from_depth(kernel_to_depth(kernel)), kernel)
