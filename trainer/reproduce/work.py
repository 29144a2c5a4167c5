"""Making what a model lacks: its training, its reports, its part of the landscape, its frames."""

import io
import logging
import zipfile
from pathlib import Path

from saddlepoint.envs.describe import describe
from saddlepoint.evaluation.landscape import Columns, survey_chunk
from saddlepoint.evaluation.observations import from_npz, to_npz
from saddlepoint.evaluation.whole import evaluate
from saddlepoint.schemas.environments import EnvironmentSpec
from saddlepoint.schemas.evaluations import EvaluationSpec
from saddlepoint.schemas.reports import RobustnessReport
from trainer import checkpoint
from trainer.build import Machine, build_training
from trainer.files import write_atomically
from trainer.publish import make_policy
from trainer.reproduce.frames import make_frames
from trainer.reproduce.models import Model, ReportName, Stage, StoredPolicy
from trainer.reproduce.study import Study
from trainer.run import CHECKPOINT, MIDDLE, train_in_folder

LANDSCAPE_METHODS = ("standard", "atpa")
"""Those of Figures 4 and 5."""
_CHECKPOINTS: dict[Stage, str] = {"middle": MIDDLE, "end": CHECKPOINT}
_log = logging.getLogger("trainer")


def complete(study: Study, model: Model, machine: Machine) -> None:
    """Make whatever is missing, in the order in which one follows from the other."""
    policy = model.policy("end") or _train(study, model, machine)
    _report(model, "table", policy, study.table(model.game, policy.card), machine)
    if study.sweep:
        _report(model, "epsilons", policy, study.epsilons(model.game, policy.card), machine)
    if model.seed == 0:
        if read_columns(model.frames) is None:
            frames = make_frames(policy, EnvironmentSpec(id=model.game), study.epsilon, study.epsilon_scale)
            write_atomically(model.frames, to_npz(frames))
        if model.method in LANDSCAPE_METHODS:
            _survey(study, model)


def _train(study: Study, model: Model, machine: Machine) -> StoredPolicy:
    """Train to the end, and keep the policies half way and at the end."""
    _log.info("training %s by %s, seed %d", model.game, model.method, model.seed)
    spec = study.training(model.game, model.method, model.seed)
    train_in_folder(spec, model.training, machine)
    for stage, name in _CHECKPOINTS.items():
        if (model.training / name).exists():
            training = build_training(spec, machine)
            training.games.environment.close()
            checkpoint.restore_policy(training, (model.training / name).read_bytes())
            named = f"{model.method}, seed {model.seed}, {stage}"
            policy = make_policy(training, spec, owner="reproduction", name=named)
            model.put_policy(stage, policy.model, policy.card)
    return StoredPolicy(policy.model, policy.card)


def _report(model: Model, name: ReportName, policy: StoredPolicy, spec: EvaluationSpec, machine: Machine) -> None:
    """Evaluate, unless the stored report is of this policy and of this specification."""
    if _is_of(model.report(name), policy, spec):
        return
    _log.info("evaluating %s by %s, seed %d: %s", model.game, model.method, model.seed, name)
    model.put_report(name, evaluate(policy.model, policy.card, spec, default_precision=machine.precision))


def _is_of(report: RobustnessReport | None, policy: StoredPolicy, spec: EvaluationSpec) -> bool:
    return (
        report is not None
        and report.policy.get("id") == policy.card.id
        and report.spec == spec.filled().model_dump(mode="json")
    )


def _survey(study: Study, model: Model) -> None:
    """The chunks of the KL landscape around each kept policy, each a file."""
    environment = describe(EnvironmentSpec(id=model.game))
    for stage in _CHECKPOINTS:
        policy = model.policy(stage)
        if policy is None:
            continue
        spec, folder = study.landscape(model.game, policy.card.id), model.landscape(policy.card)
        folder.mkdir(parents=True, exist_ok=True)
        for chunk in range(spec.chunks_per_policy):
            path = folder / f"{chunk:05d}.npz"
            if read_columns(path) is None:
                write_atomically(path, to_npz(survey_chunk(policy.model, policy.card, spec, environment, chunk)))


def read_columns(path: Path) -> Columns | None:
    """A stored set of arrays, None where there is none that is whole."""
    try:
        data = path.read_bytes()
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return None if archive.testzip() else from_npz(data)
    except (FileNotFoundError, zipfile.BadZipFile):
        return None
