"""The learning curve: one record an update, kept as one JSON object a line."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from trainer.files import write_atomically


@dataclass(frozen=True)
class UpdateRecord:
    """One update. Losses and what follows are means over its minibatches."""

    update: int
    steps: int
    games: int
    """Finished since the start."""
    mean_return: float | None
    """Of the acting policy: raw score of whole games, mean of the last 100; None before the first one ended."""
    beta: float
    epsilon: float
    """Of the adversary in this update; 0 where the method has none."""
    loss: float
    policy_loss: float
    value_loss: float
    entropy: float
    """In nats."""
    approximate_kl: float
    """Mean of ratio - 1 - log ratio, in nats (Schulman's estimator of the KL from the acting policy)."""
    clipped_share: float
    gradient_norm: float
    """Before it is cut."""
    explained_variance: float
    """Of the value targets, by the acting network's values."""
    steps_per_second: float


def append(path: Path, record: UpdateRecord) -> None:
    """Add an update to the curve."""
    with path.open("a", encoding="utf-8") as file:
        file.write(to_lines([record]))


def read(path: Path) -> list[UpdateRecord]:
    """All updates so far, leaving out a last line that a crash cut off."""
    return from_lines(path.read_text(encoding="utf-8")) if path.exists() else []


def cut(path: Path, update: int) -> None:
    """Forget what came after `update`: a resumed training does it again."""
    kept = [record for record in read(path) if record.update <= update]
    write_atomically(path, to_lines(kept).encode())


def to_lines(records: Iterable[UpdateRecord]) -> str:
    """As JSON lines."""
    return "".join(json.dumps(asdict(record)) + "\n" for record in records)


def from_lines(text: str) -> list[UpdateRecord]:
    """What `to_lines` wrote; what follows the last line's end is left out."""
    return [UpdateRecord(**json.loads(line)) for line in text.split("\n")[:-1]]
