"""Makes a zoo policy of a run's newest checkpoint: `python -m trainer.export_zoo runs/boxing`.

Writes `<environment>-<method>.safetensors`, or `.onnx` of a policy that was trained as the graph it came in, and a
`.json` card that says how it was trained and what it scores.
"""

import argparse
import json
import logging
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from saddlepoint.errors import InvalidRequest
from saddlepoint.schemas.reports import RobustnessReport
from saddlepoint.schemas.training_config import TrainingConfig
from saddlepoint.schemas.trainings import DEFENSES, TrainingSpec, resolve_config
from trainer import checkpoint, curve
from trainer.build import build_training
from trainer.curve import UpdateRecord
from trainer.files import write_atomically
from trainer.measure import measure
from trainer.publish import PublishedPolicy, make_policy
from trainer.run import CHECKPOINT, CURVE, read_policy

ZOO = Path(__file__).parent / "zoo"
_CURVE_POINTS = 50
_log = logging.getLogger("trainer")


def main(arguments: list[str] | None = None) -> None:
    """Export as the command line says."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)
    export(
        options.run, options.zoo, episodes=options.episodes, checkpoint_name=options.checkpoint, parent=options.policy
    )


def export(
    run: Path, zoo: Path, *, episodes: int, checkpoint_name: str = CHECKPOINT, parent: Path | None = None
) -> Path:
    """Write the policy of a run's checkpoint, measured over so many whole games; the path of its weights.

    `parent` is the file that the run started from. Raises InvalidRequest where it is another one.
    """
    saved = (run / checkpoint_name).read_bytes()
    spec = checkpoint.read_spec(saved)
    start = None if parent is None else read_policy(parent)
    if spec.policy_id != (None if start is None else start.card.id):
        raise InvalidRequest(f"{run} started from policy {spec.policy_id}; name the file it was read from by --policy.")
    training = build_training(spec, parent=start)
    checkpoint.restore_policy(training, saved)
    training.games.environment.close()
    name = f"{spec.env.id.replace('/', '-')}-{spec.method}"
    policy = make_policy(training, spec, owner="zoo", name=name)
    report = measure(policy.model, policy.card, spec.env, episodes=episodes)
    history = [record for record in curve.read(run / CURVE) if record.update <= training.update]
    zoo.mkdir(parents=True, exist_ok=True)
    is_graph = policy.card.format == "onnx"
    path = zoo / f"{name}.{'onnx' if is_graph else 'safetensors'}"
    write_atomically(path, policy.model if is_graph else policy.weights)
    card = json.dumps(_card(spec, parent, policy, report, history), indent=1)
    write_atomically(path.with_suffix(".json"), f"{card}\n".encode())
    _log.info("%s after %d steps: %.2f %s", name, training.steps, report.cells[0].mean, report.cells[0].ci95)
    return path


def _card(
    spec: TrainingSpec,
    parent: Path | None,
    policy: PublishedPolicy,
    report: RobustnessReport,
    history: Sequence[UpdateRecord],
) -> dict[str, Any]:
    clean, lineage = report.cells[0], policy.card.lineage
    return {
        "name": policy.card.name,
        "sha256": policy.card.sha256,
        "architecture": policy.card.architecture,
        "exported_at": policy.card.created_at.isoformat(),
        "command": command(spec, parent),
        "weights": weights_from(lineage.steps if lineage else 0, TrainingConfig.model_validate(spec.config)),
        "differs_from_table_2": differences(spec),
        "lineage": lineage.model_dump(mode="json") if lineage else None,
        "measured": {
            "score": "raw return of whole games, no attack, sampled actions, fp32",
            "mean": clean.mean,
            "std": clean.std,
            "ci95": clean.ci95,
            "ci95_method": clean.ci95_method,
            "episodes": clean.episodes,
            "seeds": clean.seeds,
            "returns": clean.returns,
            "random_policy_mean": report.reference.random_policy.mean,
        },
        "learning_curve": {
            "label": "mean raw score of the acting policy's last 100 games while it trained: sampled actions on "
            + DEFENSES[spec.method].acts_on,
            "points": [
                {"steps": record.steps, "games": record.games, "mean_return": record.mean_return}
                for record in _thinned(history)
            ],
        },
        "training_seconds": round(sum(record.steps / record.update / record.steps_per_second for record in history)),
    }


def command(spec: TrainingSpec, parent: Path | None = None) -> str:
    """The command line that repeats a training that starts from `parent`."""
    config = {name: value for name, value in spec.config.items() if name != "steps"}
    words = ["python", "-m", "trainer.run", "--env", spec.env.id, "--method", spec.method, "--seed", str(spec.seed)]
    if parent is not None:
        words += ["--policy", str(parent)]
    if "steps" in spec.config:
        words += ["--steps", str(spec.config["steps"])]
    for name, value in config.items():
        words += ["--set", f"{name}={json.dumps(value)}"]
    return shlex.join([*words, "--out", f"runs/{spec.env.id.replace('/', '-')}"])


def weights_from(steps: int, config: TrainingConfig) -> str:
    """Which weights of the run that `command` repeats these are: its schedules follow the steps planned."""
    planned = config.updates * config.batch
    where = "end" if steps >= planned else f"checkpoint at {_short(steps)}"
    return f"{where} of a run planned for {_short(planned)} steps"


def _short(steps: int) -> str:
    return f"{steps / 1e6:.3g}M" if steps >= 1e6 else f"{steps:,}"


def differences(spec: TrainingSpec) -> dict[str, dict[str, Any]]:
    """What was chosen otherwise than in the ATPA paper's Table 2, whose numbers are the defaults."""
    plain = resolve_config(spec.model_copy(update={"config": {}})) if spec.env.is_atari else TrainingConfig()
    usual, used = plain.model_dump(mode="json"), resolve_config(spec).model_dump(mode="json")
    return {name: {"table_2": usual[name], "used": value} for name, value in used.items() if value != usual[name]}


def _thinned(history: Sequence[UpdateRecord]) -> list[UpdateRecord]:
    """At most about fifty points, the last one among them."""
    stride = 1 + len(history) // _CURVE_POINTS
    return list(history[::-1][::stride])[::-1]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m trainer.export_zoo", description=__doc__)
    parser.add_argument("run", type=Path, help="folder of `python -m trainer.run`")
    parser.add_argument("--policy", type=Path, help="file of the policy that the run started from")
    parser.add_argument("--zoo", type=Path, default=ZOO)
    parser.add_argument("--episodes", type=int, default=30)
    parser.add_argument("--checkpoint", default=CHECKPOINT, help="file in the run's folder")
    return parser


if __name__ == "__main__":
    main()
