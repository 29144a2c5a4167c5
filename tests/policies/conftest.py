"""Exports are slow, so each is made once per session."""

import logging
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from torch import Tensor, nn

from tests.policies.networks import export_new, export_old, seeded

Example = Tensor | tuple[Tensor, ...]
Exported = Callable[[Callable[[], nn.Module], Example, str, bool], bytes]


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """Bytes of a network by exporter (`new`, `old`) and whether the batch is dynamic."""
    made: dict[tuple[str, str, bool, int], bytes] = {}
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)

    def export(network: Callable[[], nn.Module], example: Example, exporter: str, dynamic: bool) -> bytes:
        rows = len(example if isinstance(example, Tensor) else example[0])
        key = (f"{network}", exporter, dynamic, rows)
        if key not in made:
            # The exporters warn of their own future; that is not what is tested.
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                made[key] = _export(seeded(network), example, exporter, dynamic, tmp_path_factory.mktemp("onnx"))
        return made[key]

    return export


def _export(network: nn.Module, example: Example, exporter: str, dynamic: bool, folder: Path) -> bytes:
    if exporter == "new":
        return export_new(network, example, folder, dynamic=dynamic)
    return export_old(network, example, dynamic=dynamic)
