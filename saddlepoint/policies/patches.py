"""Pictures as patches in channels: pixel_unshuffle and its inverse, several times as fast."""

import torch
from torch import Tensor
from torch.nn import functional as F

_AS_ONE = {2: torch.float64, 4: torch.complex128}
"""By the length of a row of a patch in float32 entries: a type as wide as it, so that a copy moves it in one go."""


def to_patches(pictures: Tensor, block: int) -> Tensor:
    """pixel_unshuffle: (N, C, H, W) float32 to (N, C * block**2, H / block, W / block), channels last in memory."""
    if pictures.requires_grad:
        return F.pixel_unshuffle(pictures, block).contiguous(memory_format=torch.channels_last)
    rows, channels, height, width = pictures.shape
    runs = _runs(pictures.contiguous(), block)
    split = runs.reshape(rows, channels, height // block, block, width // block, -1)
    moved = split.permute(0, 2, 4, 1, 3, 5).contiguous().view(torch.float32)
    return moved.view(rows, height // block, width // block, channels * block**2).permute(0, 3, 1, 2)


def from_patches(patches: Tensor, block: int) -> Tensor:
    """pixel_shuffle, the inverse of `to_patches`; contiguous."""
    if patches.requires_grad:
        return F.pixel_shuffle(patches, block).contiguous()
    rows, channels, height, width = patches.shape
    runs = _runs(patches.permute(0, 2, 3, 1).contiguous(), block)
    split = runs.reshape(rows, height, width, channels // block**2, block, -1)
    moved = split.permute(0, 3, 1, 4, 2, 5).contiguous().view(torch.float32)
    return moved.view(rows, channels // block**2, height * block, width * block)


def _runs(entries: Tensor, block: int) -> Tensor:
    """`entries`, contiguous, with every `block` neighbours of the last axis as one entry, or as they are."""
    wide = _AS_ONE.get(block)
    if wide is None:
        return entries
    return (entries.clone() if entries.storage_offset() % block else entries).view(wide)
