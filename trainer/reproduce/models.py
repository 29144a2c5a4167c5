"""The trained models of a study and what is kept of each: a folder of files that are whole or not there."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import ValidationError

from saddlepoint.schemas.base import Schema
from saddlepoint.schemas.policies import PolicyCard
from saddlepoint.schemas.reports import RobustnessReport
from trainer.files import write_atomically
from trainer.reproduce.study import Study

Stage = Literal["middle", "end"]
ReportName = Literal["table", "epsilons"]
STAGES: tuple[Stage, ...] = ("middle", "end")
_Record = TypeVar("_Record", bound=Schema)


@dataclass(frozen=True)
class StoredPolicy:
    model: bytes
    """Canonical ONNX."""
    card: PolicyCard


@dataclass(frozen=True)
class Model:
    """One training of a study."""

    root: Path
    game: str
    method: str
    seed: int

    @property
    def folder(self) -> Path:
        return self.root / "models" / self.game.replace("/", "-") / self.method / f"seed-{self.seed}"

    @property
    def training(self) -> Path:
        """The folder of the training itself, as `trainer.run` leaves it."""
        return self.folder / "training"

    @property
    def frames(self) -> Path:
        return self.folder / "frames.npz"

    def landscape(self, card: PolicyCard) -> Path:
        """The folder of a policy's chunks."""
        return self.folder / "landscape" / card.id

    def report(self, name: ReportName) -> RobustnessReport | None:
        """A stored report, None where there is none that can be read."""
        return _read(self.folder / f"{name}.json", RobustnessReport)

    def put_report(self, name: ReportName, report: RobustnessReport) -> None:
        write_atomically(self.folder / f"{name}.json", report.model_dump_json().encode())

    def policy(self, stage: Stage) -> StoredPolicy | None:
        """A stored policy, None where there is none that is whole."""
        card, path = _read(self.folder / f"{stage}.json", PolicyCard), self.folder / f"{stage}.onnx"
        model = path.read_bytes() if path.exists() else b""
        if card is None or hashlib.sha256(model).hexdigest() != card.canonical_sha256:
            return None
        return StoredPolicy(model, card)

    def put_policy(self, stage: Stage, model: bytes, card: PolicyCard) -> None:
        """The card last: it says what the model must hash to."""
        write_atomically(self.folder / f"{stage}.onnx", model)
        write_atomically(self.folder / f"{stage}.json", card.model_dump_json(indent=1).encode())


def models(study: Study, root: Path) -> Iterator[Model]:
    """All of a study; first one run of everything, then the next, so that an early table has no empty rows."""
    for seed in range(study.seeds):
        for game in study.games:
            for method in study.methods:
                yield Model(root, game, method, seed)


def runs_of(study: Study, root: Path, game: str, method: str) -> list[Model]:
    """The runs that a cell of the table pools."""
    return [Model(root, game, method, seed) for seed in range(study.seeds)]


def _read(path: Path, schema: type[_Record]) -> _Record | None:
    try:
        return schema.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
