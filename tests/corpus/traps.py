"""Files that would run code of their own if anything ran it; each would leave a file where the marker is."""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from tests.policies.networks import saved, zipped
from tests.policies.sb3_models import members

GOOD = {"actor.0.weight": torch.ones(3, 4), "actor.0.bias": torch.zeros(3)}


class Trap:
    """Unpickling it writes a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.write_text, (self.marker, "executed")


def in_weights(marker: Path) -> bytes:
    """A PyTorch file with a trap among its weights."""
    return saved({**GOOD, "x": Trap(marker)})


def as_index(index: bytes) -> bytes:
    """A PyTorch file with this pickle instead of its own."""
    return zipped({name: index if name.endswith("data.pkl") else data for name, data in members(saved(GOOD)).items()})


def alone(marker: Path) -> bytes:
    return pickle.dumps(Trap(marker), 4)


def in_sb3(entries: Mapping[str, bytes], marker: Path) -> bytes:
    """An SB3 zip whose weights are a trap."""
    return zipped({**entries, "policy.pth": saved({"x": Trap(marker)})})
