"""Observations on their way to an attack, and what came of them."""

from dataclasses import dataclass
from pathlib import Path

from saddlepoint.errors import InvalidRequest
from saddlepoint.schemas.observation_attacks import AttackSummary


@dataclass(frozen=True)
class Attacked:
    """The perturbed observations and what they do to the policy."""

    summary: AttackSummary | None
    npz: bytes
    """Of numpy: observations, loss, clean_loss, linf, l2, outputs, clean_outputs and, of choices, flip."""

    def save(self, path: str | Path) -> Path:
        """Write the .npz; returns where. Raises InvalidRequest where that cannot be."""
        path = Path(path).expanduser()
        try:
            path.write_bytes(self.npz)
        except OSError as error:
            raise InvalidRequest(
                f"The result goes into a file; {str(path)!r} cannot be written ({error.strerror}). Choose another."
            ) from error
        return path

    def text(self) -> str:
        """The summary in one line."""
        if self.summary is None:
            return f"{len(self.npz):,} bytes"
        flips = "" if self.summary.flip_rate is None else f", {self.summary.flip_rate:.1%} flipped"
        return (
            f"{self.summary.rows} observations{flips}; loss {self.summary.mean_clean_loss:.4g} -> "
            f"{self.summary.mean_loss:.4g}; largest perturbation {self.summary.max_linf:g}"
        )


def read_observations(observations: str | Path | bytes) -> bytes:
    """The bytes of an .npy file. Raises InvalidRequest."""
    if isinstance(observations, bytes):
        return observations
    path = Path(observations).expanduser()
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidRequest(
            f"Observations are an .npy file; {str(path)!r} cannot be read ({error.strerror})."
        ) from error
