"""Twenty-two files that must be taken, and what their cards say; two of them hold code that is never looked at."""

import pickle
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from stable_baselines3 import A2C, DQN, PPO, SAC, TD3
from stable_baselines3.common.base_class import BaseAlgorithm

from tests.corpus.traps import GOOD, Trap
from tests.policies import test_onnx_hostile as hostile
from tests.policies.networks import Mlp, as_safetensors, export_new, export_old, saved, seeded, vectors, zipped
from tests.policies.onnx_models import behind, linear, matrix, node
from tests.policies.sa_ppo_models import Policy, ZFilter, checkpoint, observed, saved_checkpoint
from tests.policies.sb3_models import ACTION, CHOICE, VECTOR, make, members, zip_of
from tests.policies.test_cleanrl import Actor, Dqn, PpoContinuous


@dataclass(frozen=True)
class Benign:
    """How to make a file, and its card's format, head, observation and number of actions."""

    make: Callable[[Path], bytes]
    format: str
    head: str
    shape: tuple[int, ...]
    actions: int


def _sb3(algorithm: Callable[..., BaseAlgorithm], action: object = CHOICE) -> dict[str, bytes]:
    return members(zip_of(make(algorithm, "MlpPolicy", VECTOR, action)))  # type: ignore[arg-type]


def _new_export() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return export_new(seeded(Mlp), vectors(1), Path(folder))


def _sa_ppo(**options: bool) -> bytes:
    return saved_checkpoint(checkpoint(Policy(), ZFilter(observed())), **options)


BENIGN: Mapping[str, Benign] = {
    "ONNX by hand": Benign(lambda marker: linear().SerializeToString(), "onnx", "logits", (4,), 3),
    "ONNX with a relu": Benign(
        lambda marker: behind(node("Relu", ["x"], ["logits"])).SerializeToString(), "onnx", "logits", (4,), 3
    ),
    "ONNX and its data": Benign(
        lambda marker: zipped({"p.onnx": hostile.external().SerializeToString(), "w.data": matrix().tobytes()}),
        "onnx-zip",
        "logits",
        (4,),
        3,
    ),
    "today's exporter": Benign(lambda marker: _new_export(), "onnx-zip", "logits", (4,), 3),
    "the exporter before": Benign(lambda marker: export_old(seeded(Mlp), vectors(1)), "onnx", "logits", (4,), 3),
    "a state dict": Benign(lambda marker: saved(GOOD), "torch-state-dict", "logits", (4,), 3),
    "a state dict of protocol 5": Benign(
        lambda marker: saved(GOOD, pickle_protocol=5), "torch-state-dict", "logits", (4,), 3
    ),
    "a checkpoint": Benign(lambda marker: saved({"model": GOOD, "step": 7}), "torch-state-dict", "logits", (4,), 3),
    "half precision": Benign(
        lambda marker: saved({name: value.half() for name, value in GOOD.items()}),
        "torch-state-dict",
        "logits",
        (4,),
        3,
    ),
    "safetensors": Benign(
        lambda marker: as_safetensors(torch.nn.ModuleDict({"actor": torch.nn.Sequential(torch.nn.Linear(4, 3))})),
        "safetensors",
        "logits",
        (4,),
        3,
    ),
    "SA-PPO": Benign(lambda marker: _sa_ppo(), "torch-checkpoint", "gaussian", (5,), 3),
    "SA-PPO of the time before PyTorch 1.6": Benign(
        lambda marker: _sa_ppo(_use_new_zipfile_serialization=False), "torch-checkpoint", "gaussian", (5,), 3
    ),
    "PPO of SB3": Benign(lambda marker: zipped(_sb3(PPO)), "sb3-zip", "logits", (4,), 6),
    "A2C of SB3": Benign(lambda marker: zipped(_sb3(A2C)), "sb3-zip", "logits", (4,), 6),
    "DQN of SB3": Benign(lambda marker: zipped(_sb3(DQN)), "sb3-zip", "q_values", (4,), 6),
    "SAC of SB3": Benign(lambda marker: zipped(_sb3(SAC, ACTION)), "sb3-zip", "gaussian", (4,), 2),
    "TD3 of SB3": Benign(lambda marker: zipped(_sb3(TD3, ACTION)), "sb3-zip", "action", (4,), 2),
    "code beside an SB3 zip": Benign(
        lambda marker: zipped({"model.zip": zipped(_sb3(PPO)), "vec_normalize.pkl": pickle.dumps(Trap(marker))}),
        "sb3-zip",
        "logits",
        (4,),
        6,
    ),
    "code in an optimizer of SB3": Benign(
        lambda marker: zipped({**_sb3(PPO), "policy.optimizer.pth": pickle.dumps(Trap(marker))}),
        "sb3-zip",
        "logits",
        (4,),
        6,
    ),
    "PPO of CleanRL": Benign(
        lambda marker: saved(seeded(PpoContinuous).state_dict()), "torch-state-dict", "gaussian", (4,), 2
    ),
    "SAC of CleanRL": Benign(
        lambda marker: saved(seeded(lambda: Actor(soft=True)).state_dict()), "torch-state-dict", "gaussian", (4,), 2
    ),
    "DQN of CleanRL": Benign(lambda marker: saved(seeded(Dqn).state_dict()), "torch-state-dict", "q_values", (4,), 3),
}
