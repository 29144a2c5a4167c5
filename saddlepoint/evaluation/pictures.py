"""Observations as pictures: a frame, and what an attack adds to it."""

import numpy as np
from numpy.typing import NDArray

_RGB = 3


def newest(observation: NDArray[np.float32]) -> NDArray[np.float32]:
    """(R, C) or (R, C, 3): the frame itself, of a stack the newest one; (N,) of anything else, flat."""
    is_stack = observation.ndim == 4 or (observation.ndim == 3 and observation.shape[-1] != _RGB)
    if not is_stack:
        return observation if observation.ndim in (2, 3) else observation.reshape(-1)
    is_last = observation.ndim == 3 and observation.shape[-1] < observation.shape[0]
    if is_last and observation.shape[-1] % _RGB == 0:
        return observation[..., -_RGB:]
    frame: NDArray[np.float32] = observation[..., -1] if is_last else observation[-1]
    return frame


def shades(shares: NDArray[np.floating]) -> NDArray[np.uint8]:
    """(R, C) or (R, C, 3) of 0..1, cut to that -> (R, C, 3) colours; one number a pixel is a grey."""
    levels = (np.clip(shares, 0.0, 1.0) * 255).round().astype(np.uint8)
    return levels if levels.ndim == 3 else np.repeat(levels[..., None], _RGB, axis=2)


def enlarged(pixels: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """(R, C, 3) -> (R k, C k, 3), each pixel a square."""
    return pixels.repeat(factor, axis=0).repeat(factor, axis=1)
