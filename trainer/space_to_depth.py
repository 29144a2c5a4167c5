"""The exact rewriting of an 8x8 convolution with stride 4 as a 2x2 convolution over 4x4 blocks, both ways."""

import torch
from torch import Tensor

BLOCK = 4


def to_depth(frames: Tensor) -> Tensor:
    """(N, C, H, W) as (N, H/4, W/4, 16 C): each 4x4 block becomes the channels of one position, channels last.

    Rows and columns that do not fill a block are beyond the reach of the convolution and are left out.
    """
    count, channels, height, width = frames.shape
    rows, columns = height // BLOCK, width // BLOCK
    blocks = frames[..., : rows * BLOCK, : columns * BLOCK].contiguous()
    if blocks.dtype == torch.uint8:
        # Four neighbouring bytes stay together, so they are moved as one word.
        words = blocks.view(torch.int32).view(count, channels, rows, BLOCK, columns)
        moved = words.permute(0, 2, 4, 1, 3).contiguous().view(torch.uint8)
    else:
        pixels = blocks.view(count, channels, rows, BLOCK, columns, BLOCK)
        moved = pixels.permute(0, 2, 4, 1, 3, 5).contiguous()
    return moved.view(count, rows, columns, channels * BLOCK * BLOCK)


def kernel_to_depth(kernel: Tensor) -> Tensor:
    """A kernel (O, C, 8, 8) as (O, 16 C, 2, 2)."""
    outputs, channels = kernel.shape[:2]
    parts = kernel.reshape(outputs, channels, 2, BLOCK, 2, BLOCK).permute(0, 1, 3, 5, 2, 4)
    return parts.reshape(outputs, channels * BLOCK * BLOCK, 2, 2)


def kernel_from_depth(kernel: Tensor) -> Tensor:
    """A kernel (O, 16 C, 2, 2) as (O, C, 8, 8): the inverse of `kernel_to_depth`."""
    outputs, depth = kernel.shape[:2]
    channels = depth // (BLOCK * BLOCK)
    parts = kernel.reshape(outputs, channels, BLOCK, BLOCK, 2, 2).permute(0, 1, 4, 2, 5, 3)
    return parts.reshape(outputs, channels, 2 * BLOCK, 2 * BLOCK)
