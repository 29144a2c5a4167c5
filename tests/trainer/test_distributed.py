"""Two processes, exchanging by gloo, learn what one process with the same lanes does."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from saddlepoint.schemas.trainings import TrainingSpec
from trainer import checkpoint, curve, run
from trainer.build import build_training
from trainer.ppo import start, train

CONFIG: dict[str, Any] = {"steps": 4 * 256, "actors": 4, "horizon": 64, "minibatch": 64, "epochs": 2}
ATTACK = {"epsilon": 0.05, "epsilon_ramp": 0.5, "attack_steps": 1, "bootstrap_truncated": True}
"""One step, after which an attack still depends on where it began."""
CARTPOLE, PENDULUM = "CartPole-v1", "Pendulum-v1"
TRAININGS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "standard": (CARTPOLE, "standard", CONFIG | {"steps": 14 * 256, "stop_at_return": 0.0}),
    "atpa": (CARTPOLE, "atpa", CONFIG | ATTACK),
    "dataaugment": (CARTPOLE, "dataaugment", CONFIG | ATTACK | {"augment_denominator": "perturbed"}),
    "sa_ppo": (CARTPOLE, "sa_ppo", CONFIG | ATTACK | {"epsilon": 0.5, "kl_weight": 100.0}),
    "radial": (CARTPOLE, "radial", CONFIG | ATTACK),
    "numbers": (PENDULUM, "atpa", CONFIG | ATTACK),
}


def command(name: str, folder: Path) -> list[str]:
    env, method, config = TRAININGS[name]
    settings = [part for field, value in config.items() for part in ("--set", f"{field}={json.dumps(value)}")]
    return ["--env", env, "--method", method, "--seed", "3", *settings, "--out", str(folder)]


def train_in_two(name: str, folder: Path) -> str:
    """The log. Standalone: torchrun finds a free port by itself."""
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    done = subprocess.run(
        [*torchrun, "-m", "trainer.run", *command(name, folder)],
        check=False,
        capture_output=True,
        text=True,
        timeout=240,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


Trained = Callable[[str], tuple[Path, Path]]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """The folders of a run in one process, and of one in two; each training is made once."""

    @cache
    def run_both(name: str) -> tuple[Path, Path]:
        one, two = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("two")
        run.main(command(name, one))
        train_in_two(name, two)
        return one, two

    return run_both


def assert_same_training(one: Path, two: Path) -> None:
    """Weights, moments, generators, and the games of all lanes with every action."""
    expected, found = load_file(one), load_file(two)
    assert expected.keys() == found.keys()
    for name, tensor in expected.items():
        assert tensor.shape == found[name].shape
        assert torch.allclose(tensor.double(), found[name].double(), rtol=1e-4, atol=1e-5), name
    records = [checkpoint._record(file.read_bytes()) for file in (one, two)]
    scores = [record["games"].pop("recent") for record in records]
    assert scores[1] == pytest.approx(scores[0])
    assert records[1] == records[0]


@pytest.mark.parametrize("file", [run.CHECKPOINT, run.MIDDLE])
@pytest.mark.parametrize("name", TRAININGS)
def test_two_processes_train_the_same_policy(name: str, file: str, trained: Trained) -> None:
    one, two = trained(name)
    assert_same_training(one / file, two / file)


@pytest.mark.parametrize("name", TRAININGS)
def test_two_processes_write_the_same_curve_once(name: str, trained: Trained) -> None:
    one, two = (curve.read(folder / run.CURVE) for folder in trained(name))
    assert [record.update for record in two] == list(range(1, len(one) + 1))
    for expected, found in zip(one, two, strict=True):
        for field, value in vars(expected).items():
            if field != "steps_per_second":
                same = None if value is None else pytest.approx(value, rel=1e-3, abs=1e-5)
                assert vars(found)[field] == same, field


def test_two_processes_stop_at_a_return_together(trained: Trained) -> None:
    _, two = trained("standard")
    records = curve.read(two / run.CURVE)
    assert len(records) < 14
    assert records[-2].games < 100 <= records[-1].games


def test_a_training_goes_on_with_another_number_of_processes(trained: Trained, tmp_path: Path) -> None:
    one, _ = trained("numbers")
    spec = checkpoint.read_spec((one / run.CHECKPOINT).read_bytes())
    (tmp_path / run.CHECKPOINT).write_bytes(checkpoint_after(2, spec))
    assert "resumed after update 2" in train_in_two("numbers", tmp_path)
    assert_same_training(one / run.CHECKPOINT, tmp_path / run.CHECKPOINT)


def checkpoint_after(update: int, spec: TrainingSpec) -> bytes:
    training = build_training(spec)
    start(training)
    next(record for record in train(training) if record.update == update)
    return checkpoint.to_bytes(training, spec)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)
