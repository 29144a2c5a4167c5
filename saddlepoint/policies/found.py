"""What an importer makes of a file before it is checked and becomes a card."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from saddlepoint.policies.graph import Graph

Floats = NDArray[np.float32]
Step = Callable[[Floats, Sequence[Floats]], tuple[Floats, Sequence[Floats]]]
"""Observations (N, ...) and states (N, ...) to the head (N, K) and the next states."""


@dataclass(frozen=True)
class Found:
    """A graph, and what the card will say of where it came from."""

    graph: Graph
    format: str
    architecture: str
    contents: list[str] = field(default_factory=list)
    guesses: list[str] = field(default_factory=list)
    observation_space: dict[str, Any] | None = None
    action_space: dict[str, Any] | None = None
    bounds: tuple[float | None, float | None] | None = None
    """The lowest and highest number an observation may hold, where the file says."""
    original: Step | None = None
    """The uploaded model itself on observations of the environment, run by onnxruntime, if it is one."""
    fixed: Mapping[str, int] = field(default_factory=dict)
    """Inputs of that model that are one number at every step."""
    is_half: bool = False
    """Whether the uploaded model computes with 16 bits, so that more than rounding in float32 sets us apart."""
    squash: Literal["none", "tanh"] = "none"
    fixed_deviation: bool = False
    perhaps_gaussian: tuple[str, str] | None = None
    """See `PolicyCard`."""
