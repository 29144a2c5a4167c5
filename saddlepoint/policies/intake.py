"""What stands between an environment's observation and a file's own network: normalisation, scale and layout."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
import torch
from torch import Tensor

from saddlepoint.errors import ObservationMismatch
from saddlepoint.policies.builder import GraphBuilder, Known, Live
from saddlepoint.policies.found import Floats
from saddlepoint.schemas.policies import PolicyHints

PIXEL_MAXIMUM = 255.0
_FRAMES, _COLOURS = 4, (3, 12)
_SMALLEST_SIDE = 16


@dataclass(frozen=True)
class Intake:
    """A builder whose observation is the environment's, and `x`, the same as the file's network takes it."""

    build: GraphBuilder
    x: Live


def take_in(
    shape: Sequence[int],
    hints: PolicyHints,
    *,
    scale: float | None,
    turned: Sequence[int] | None,
    as_bytes: bool = False,
) -> Intake:
    """The environment's side of a network that takes observations of `shape` (without the batch).

    In this order: mean, std and clip of the hints, division by `scale`, then the axes: axis i of the network's input is
    axis `turned[i]` of the environment's.
    """
    turned = tuple(range(len(shape))) if turned is None else tuple(turned)
    given = [0] * len(shape)
    for size, source in zip(shape, turned, strict=True):
        given[source] = size
    build = GraphBuilder(given, as_bytes=as_bytes)
    x = standardised(build, build.observation, given, hints)
    if scale is not None and scale != 1.0:
        x = build.live("Div", x, Known.of(torch.tensor(float(scale))))
    if turned != tuple(range(len(shape))):
        x = build.live("Transpose", x, perm=(0, *(axis + 1 for axis in turned)))
    return Intake(build, x)


def as_taken_in(rows: Floats, hints: PolicyHints, *, scale: float | None, turned: Sequence[int] | None) -> Floats:
    """What `take_in` makes of observations (N, ...), computed apart from it so that each checks the other."""
    if hints.observation_mean is not None:
        rows = rows - np.asarray(hints.observation_mean, np.float32).reshape(_fitted(hints.observation_mean, rows))
    if hints.observation_std is not None:
        rows = rows / np.asarray(hints.observation_std, np.float32).reshape(_fitted(hints.observation_std, rows))
    if hints.observation_clip is not None:
        rows = rows.clip(-hints.observation_clip, hints.observation_clip)
    if scale is not None:
        rows = rows / np.float32(scale)
    if turned is not None:
        rows = rows.transpose(0, *(axis + 1 for axis in turned))
    return np.ascontiguousarray(rows, dtype=np.float32)


def _fitted(numbers: list[float], rows: Floats) -> tuple[int, ...]:
    return (1,) if len(numbers) == 1 else rows.shape[1:]


def standardised(build: GraphBuilder, x: Live, shape: Sequence[int], hints: PolicyHints) -> Live:
    """`x` (N, *shape) less `observation_mean`, divided by `observation_std`, clipped, as far as `hints` state them."""
    if hints.observation_mean is not None:
        x = build.live("Sub", x, Known.of(_by_entry(hints.observation_mean, shape, "observation_mean")))
    if hints.observation_std is not None:
        deviation = _by_entry(hints.observation_std, shape, "observation_std")
        if bool((deviation <= 0).any()):
            raise ObservationMismatch(
                "observation_std must be positive everywhere; add the epsilon of your normaliser."
            )
        x = build.live("Div", x, Known.of(deviation))
    if hints.observation_clip is not None:
        x = build.live("Clip", x, min=-float(hints.observation_clip), max=float(hints.observation_clip))
    return x


def _by_entry(numbers: list[float], shape: Sequence[int], name: str) -> Tensor:
    if len(numbers) not in (1, prod(shape)):
        raise ObservationMismatch(
            f"{name} has one number, or one for each of the {prod(shape)} entries of an observation of shape "
            f"{list(shape)}; {len(numbers)} were given."
        )
    tensor = torch.tensor(numbers, dtype=torch.float32)
    return tensor if len(numbers) == 1 else tensor.reshape(tuple(shape))


def turned_by(layout: str | None, shape: Sequence[int], guesses: list[str]) -> tuple[int, ...] | None:
    """How the axes of an ONNX input of `shape` come from those of the environment, for `take_in`.

    Environments give frame stacks first and colours last. `layout` says how the file has them; without it, a last axis
    of four frames and a first one of colours, of one picture or of four, are recognised, and recorded in `guesses`.
    """
    if len(shape) != 3:
        return None
    if (
        layout != "nchw"
        and shape[2] not in _COLOURS
        and (layout == "nhwc" or _is_picture(shape[2] == _FRAMES, shape[:2]))
    ):
        if layout is None:
            guesses.append(f"input of shape {list(shape)} taken as channels-last; the environment's frames come first")
        return (1, 2, 0)
    if layout is None and _is_picture(shape[0] in _COLOURS, shape[1:]):
        return turned_from_pixels(layout, shape, guesses)
    return None


def _is_picture(has_channels: bool, sides: Sequence[int]) -> bool:
    return has_channels and min(sides) >= _SMALLEST_SIDE


def turned_from_pixels(layout: str | None, shape: Sequence[int], guesses: list[str]) -> tuple[int, ...] | None:
    """The same for a convolutional network of plain weights, which always takes (channels, rows, columns).

    Three channels are a colour picture and twelve are four, which environments give channels-last and libraries turn
    on the way. Anything else is a frame stack, which comes first already; a single channel or other multiples of three
    may be either, and the hint `nhwc` turns them.
    """
    is_turned = shape[0] in _COLOURS if layout is None else layout == "nhwc" and (shape[0] == 1 or shape[0] % 3 == 0)
    if not is_turned:
        return None
    if layout is None:
        guesses.append(f"{shape[0]} channels taken as colours that the environment gives last (else layout nchw)")
    return (2, 0, 1)
