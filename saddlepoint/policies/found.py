"""What an importer makes of a file before it is checked and becomes a card."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from saddlepoint.policies.graph import Graph

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Found:
    """A graph, and what the card will say of where it came from."""

    graph: Graph
    format: str
    architecture: str
    contents: list[str] = field(default_factory=list)
    guesses: list[str] = field(default_factory=list)
    observation_space: dict[str, Any] | None = None
    bounds: tuple[float | None, float | None] | None = None
    """The lowest and highest number an observation may hold, where the file says."""
    original: Callable[[Floats], Floats] | None = None
    """Observations of the environment to the head of the uploaded model itself, run by onnxruntime, if it is one."""
    squash: Literal["none", "tanh"] = "none"
    fixed_deviation: bool = False
