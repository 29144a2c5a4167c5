"""Trains one policy in a folder, without queue or service: `python -m trainer.run --env CartPole-v1 --out runs/pole`.

The folder gets `curve.jsonl`, `checkpoint.safetensors` (the newest), `middle.safetensors` (at half of the updates) and
an event file for TensorBoard.
The same command again goes on from the newest checkpoint, with any number of processes: `torchrun --nproc_per_node 2
-m trainer.run ...` trains the same policy in two, each with half of the actors.
"""

import argparse
import json
import logging
import time
from pathlib import Path

import torch

from saddlepoint.policies.importing import ImportedPolicy
from saddlepoint.schemas.environments import EnvironmentSpec
from saddlepoint.schemas.policies import PolicyHints
from saddlepoint.schemas.trainings import TrainingSpec
from saddlepoint.settings import Settings
from trainer import checkpoint, curve
from trainer.build import Machine, build_training
from trainer.curve import UpdateRecord
from trainer.files import write_atomically
from trainer.methods import METHODS
from trainer.pace import Every
from trainer.ppo import start, train
from trainer.processes import joined
from trainer.publish import import_own
from trainer.stored import curve_point
from trainer.tensorboard import EventFile
from trainer.training import Training

CHECKPOINT, MIDDLE, CURVE = "checkpoint.safetensors", "middle.safetensors", "curve.jsonl"
EVENTS = "events.out.tfevents.run"
"""TensorBoard takes a file for an event file by such a name."""
CHECKPOINT_S = 120.0
"""Seconds between two checkpoints: what a crash may cost."""
_log = logging.getLogger("trainer")


def main(arguments: list[str] | None = None) -> None:
    """Train as the command line says; progress is logged to stderr."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(options.threads)
    config = dict(_override(text) for text in options.set)
    if options.steps is not None:
        config["steps"] = options.steps
    parent = None if options.policy is None else read_policy(options.policy)
    spec = TrainingSpec(
        method=options.method,
        env=EnvironmentSpec(id=options.env),
        policy_id=None if parent is None else parent.card.id,
        config=config,
        seed=options.seed,
    )
    precision = Settings.from_environment().default_precision
    with joined(options.device) as (processes, device):
        machine = Machine(device, precision, options.threads, processes)
        train_in_folder(spec, options.out, machine, parent=parent)


def train_in_folder(
    spec: TrainingSpec, folder: Path, machine: Machine, *, parent: ImportedPolicy | None = None
) -> Training:
    """Train to the end, from the folder's newest checkpoint where there is one.

    `parent` is the policy that the specification starts from.
    """
    processes = machine.processes
    training = build_training(spec, machine, parent=parent)
    _begin(training, spec, folder / CHECKPOINT)
    diary = _Diary(training, spec, folder) if processes.leads else None
    due = Every(CHECKPOINT_S)
    for record in train(training):
        if diary is not None:
            diary.add(record)
        if training.halfway:
            _keep(training, spec, folder / MIDDLE)
        if processes.agree(due()) or training.finished:
            _keep(training, spec, folder / CHECKPOINT)
    training.games.environment.close()
    return training


def _begin(training: Training, spec: TrainingSpec, path: Path) -> None:
    """From the checkpoint at `path`, which the first process reads, or from the start."""
    processes = training.processes
    saved = processes.shared(path.read_bytes() if processes.leads and path.exists() else b"")
    if saved:
        checkpoint.restore(training, saved, spec)
        _log.info("resumed after update %d", training.update)
    else:
        start(training)


class _Diary:
    """The curve and the event file in the folder of a run, as far as `training` has come; one process writes them."""

    def __init__(self, training: Training, spec: TrainingSpec, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._training, self._curve = training, folder / CURVE
        curve.cut(self._curve, training.update)
        points = [curve_point(record) for record in curve.read(self._curve)]
        self._events = EventFile(folder / EVENTS, spec.method, points, time.time())

    def add(self, record: UpdateRecord) -> None:
        curve.append(self._curve, record)
        self._events.append(curve_point(record), time.time())
        _report(record, self._training)


def _keep(training: Training, spec: TrainingSpec, path: Path) -> None:
    """Write a checkpoint, which all processes make and the first one writes."""
    saved = checkpoint.to_bytes(training, spec)
    if training.processes.leads:
        write_atomically(path, saved)


def _report(record: UpdateRecord, training: Training) -> None:
    if record.update % 10 == 0 or training.finished:
        score = "-" if record.mean_return is None else f"{record.mean_return:.1f}"
        _log.info(
            "update %d/%d steps %d return %s games %d entropy %.3f kl %.4f clipped %.3f explained %.2f %.0f steps/s",
            record.update, training.config.updates, record.steps, score, record.games, record.entropy,
            record.approximate_kl, record.clipped_share, record.explained_variance, record.steps_per_second,
        )  # fmt: skip


def read_policy(path: Path) -> ImportedPolicy:
    """A file of one's own; `saddlepoint harden` takes those of others."""
    return import_own(path.read_bytes(), "local", PolicyHints(), filename=path.name)


def _override(text: str) -> tuple[str, object]:
    name, _, value = text.partition("=")
    return name, json.loads(value)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m trainer.run", description=__doc__)
    parser.add_argument("--env", required=True, help="an Atari or Gymnasium id")
    parser.add_argument("--method", default="standard", choices=sorted(METHODS))
    parser.add_argument("--policy", type=Path, help="file of a policy to start from")
    parser.add_argument("--steps", type=int, help="agent steps of the whole training")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True, help="folder of the run")
    parser.add_argument("--threads", type=int, default=1, help="of torch and of the emulators")
    parser.add_argument("--device", default="cpu", help="of torch: cpu, cuda")
    parser.add_argument(
        "--set", action="append", default=[], metavar="FIELD=JSON", help="another field of TrainingConfig"
    )
    return parser


if __name__ == "__main__":
    main()
