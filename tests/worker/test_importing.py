"""Uploads read in the sandbox, from a process as a worker's: engine imported, nothing computed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.policies.networks import NatureCnn, as_safetensors, saved, seeded, zipped
from tests.policies.onnx_models import linear
from tests.policies.test_onnx_hostile import constant_bomb, external, loop
from tests.policies.test_pickles import Trap

_SCRIPT = """
import json, sys, time, resource
from datetime import UTC, datetime
from pathlib import Path
import torch
import worker.tasks
from saddlepoint.errors import SaddlepointError
from saddlepoint.policies import ImportedPolicy, load_network
from saddlepoint.schemas.policies import PolicyHints, UploadRequest

torch.set_num_threads(1)
told = {}
for path in sorted(Path(sys.argv[1]).iterdir()):
    now = datetime.now(UTC)
    request = UploadRequest(upload_id="u", policy_id="p", owner="o", sha256="", size=0, filename=path.name,
                            hints=PolicyHints(), created_at=now)
    try:
        imported = worker.tasks.import_upload(path.read_bytes(), request, now)
    except SaddlepointError as error:
        told[path.name] = error.code
    else:
        told[path.name] = [imported.card.architecture, load_network(imported.model).observation_shape]
told["memory"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
sys.stdout.write(json.dumps(told))
"""


@pytest.fixture
def uploads(tmp_path: Path) -> Path:
    folder = tmp_path / "uploads"
    folder.mkdir()
    for name, data in {
        "nature": as_safetensors(seeded(NatureCnn)),
        "linear": linear().SerializeToString(),
        "large": saved({"actor.0.weight": torch.ones(4000, 6000), "actor.2.weight": torch.ones(3, 4000)}),
        "trap": saved({"x": Trap(tmp_path / "marker")}),
        "bomb": constant_bomb().SerializeToString(),
        "loop": loop().SerializeToString(),
        "external": external("uploads/nature").SerializeToString(),
        "zip bomb": zipped({"data": bytes(2**25), "policy.pth": b""}, 8),
        "text": b"hello",
    }.items():
        (folder / name).write_bytes(data)
    return folder


def test_policies_come_out_of_the_sandbox_and_nothing_else_does(uploads: Path, tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", _SCRIPT, uploads], capture_output=True, text=True, timeout=200, check=True
    )
    told = json.loads(ran.stdout)
    assert told.pop("memory") < 1.5 * 2**30
    assert told == {
        "nature": ["nature-cnn", [4, 84, 84]],
        "linear": ["onnx", [4]],
        "large": ["mlp", [6000]],
        "trap": "unsafe-pickle",
        "bomb": "resource-limit",
        "loop": "unsupported-operator",
        "external": "external-data-forbidden",
        "zip bomb": "unpacked-too-large",
        "text": "unsupported-format",
    }
    assert not (tmp_path / "marker").exists()
