"""Thirty-one files that must be refused, and what the refusal is."""

import io
import struct
import tarfile
import warnings
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from safetensors.torch import save
from stable_baselines3 import PPO
from torch import nn

from tests.corpus import traps
from tests.policies import test_onnx_hostile as hostile
from tests.policies.networks import saved, zipped
from tests.policies.onnx_models import matrix, model, node
from tests.policies.sa_ppo_models import Policy, ZFilter, checkpoint, observed, saved_checkpoint
from tests.policies.sb3_models import VECTOR, make, members, zip_of
from tests.policies.test_archives import overlapping, patched
from tests.policies.test_tensors import entry, file_of, many

DEFLATED = zipfile.ZIP_DEFLATED


@dataclass(frozen=True)
class Malicious:
    """How to make a file that would write `marker`, and the status and code of its refusal."""

    make: Callable[[Path], bytes]
    status: int
    code: str


def _sb3() -> dict[str, bytes]:
    return members(zip_of(make(PPO, "MlpPolicy", VECTOR)))


def _torchscript() -> bytes:
    target = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(nn.Linear(2, 2)), target)
    return target.getvalue()


def _tar() -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo("pickle"))
    return target.getvalue()


def _not_finite() -> onnx.ModelProto:
    weights = matrix()
    weights[1, 1] = np.nan
    return model([node("MatMul", ["observation", "w"], ["logits"])], {"w": weights})


def _onnx(make_model: Callable[[], onnx.ModelProto]) -> Callable[[Path], bytes]:
    return lambda marker: make_model().SerializeToString()


def _beside(location: Callable[[Path], str]) -> Callable[[Path], bytes]:
    """A zip of a model that takes its weights from another place than the zip."""
    return lambda marker: zipped(
        {"p.onnx": hostile.external(location(marker)).SerializeToString(), "w.data": matrix().tobytes()}
    )


MALICIOUS: Mapping[str, Malicious] = {
    "code in a .pt": Malicious(traps.in_weights, 422, "unsafe-pickle"),
    "code as the index of a .pt": Malicious(lambda marker: traps.as_index(traps.alone(marker)), 422, "unsafe-pickle"),
    "code alone": Malicious(traps.alone, 422, "unsafe-pickle"),
    "code of the first protocol": Malicious(
        lambda marker: traps.as_index(f"cos\nsystem\n(S'touch {marker}'\ntR.".encode()), 422, "unsafe-pickle"
    ),
    "the legacy format": Malicious(
        lambda marker: saved(traps.GOOD, _use_new_zipfile_serialization=False), 422, "unsafe-pickle"
    ),
    "a tar of PyTorch's": Malicious(lambda marker: _tar(), 422, "unsafe-pickle"),
    "code among the environments of SA-PPO": Malicious(
        lambda marker: saved_checkpoint({**checkpoint(Policy(), ZFilter(observed())), "envs": [traps.Trap(marker)]}),
        422,
        "unsafe-pickle",
    ),
    "TorchScript": Malicious(lambda marker: _torchscript(), 415, "unsupported-format"),
    "code in the weights of an SB3 zip": Malicious(lambda marker: traps.in_sb3(_sb3(), marker), 422, "unsafe-pickle"),
    "code in an SB3 zip in a zip": Malicious(
        lambda marker: zipped({"model.zip": traps.in_sb3(_sb3(), marker)}), 422, "unsafe-pickle"
    ),
    "a zip bomb": Malicious(lambda marker: zipped({"p.onnx": bytes(2**26)}, DEFLATED), 413, "unpacked-too-large"),
    "a deflated .pt": Malicious(lambda marker: zipped(members(saved(traps.GOOD)), DEFLATED), 400, "malformed-policy"),
    "entries that overlap": Malicious(lambda marker: overlapping(), 400, "malformed-policy"),
    "a zip that says a gigabyte": Malicious(
        lambda marker: patched(zipped({"a": b"x"}), b"PK\x01\x02", 20, struct.pack("<II", 2**30, 2**30)),
        413,
        "unpacked-too-large",
    ),
    "a name that leads out": Malicious(
        lambda marker: zipped({**_sb3(), f"../{marker.name}": b"extracted"}), 400, "malformed-policy"
    ),
    "an absolute name": Malicious(lambda marker: zipped({**_sb3(), str(marker): b""}), 400, "malformed-policy"),
    "weights in a file of the machine": Malicious(
        _beside(lambda marker: "/etc/passwd"), 422, "external-data-forbidden"
    ),
    "weights in a file above": Malicious(_beside(lambda marker: "../w.data"), 422, "external-data-forbidden"),
    "weights of an attribute elsewhere": Malicious(_onnx(hostile.in_attribute), 422, "external-data-forbidden"),
    "weights of a subgraph elsewhere": Malicious(_onnx(hostile.in_subgraph), 422, "external-data-forbidden"),
    "weights of a function elsewhere": Malicious(_onnx(hostile.in_function), 422, "external-data-forbidden"),
    "a loop without end": Malicious(_onnx(hostile.loop), 422, "unsupported-operator"),
    "branches in branches": Malicious(_onnx(hostile.nested_branches), 422, "unsupported-operator"),
    "functions that call each other twice": Malicious(_onnx(hostile.exploding_functions), 422, "resource-limit"),
    "a constant of gigabytes": Malicious(_onnx(hostile.constant_bomb), 422, "resource-limit"),
    "safetensors of 600,000 empty tensors": Malicious(lambda marker: many(600_000), 422, "resource-limit"),
    "safetensors with a name twice": Malicious(
        lambda marker: file_of(
            b'{"a": %s, "a": %s}' % ((b'{"dtype":"F32","shape":[1],"data_offsets":[0,4]}',) * 2), bytes(4)
        ),
        400,
        "malformed-policy",
    ),
    "safetensors with code for a name": Malicious(
        lambda marker: file_of({f"__import__('os').system('touch {marker}')": entry([1], 0, 4)}, bytes(4)),
        400,
        "malformed-policy",
    ),
    "strides of forty gigabytes": Malicious(
        lambda marker: saved({"w": torch.ones(1).expand(10_000_000_000)}), 422, "architecture-mismatch"
    ),
    "weights that are no numbers": Malicious(_onnx(_not_finite), 422, "non-finite-weights"),
    "weights of two networks": Malicious(
        lambda marker: save({"actor.0.weight": torch.ones(3, 4), "actor.2.weight": torch.ones(2, 5)}),
        422,
        "architecture-mismatch",
    ),
}
