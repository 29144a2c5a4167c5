"""A model in a folder or a repository that was zipped as it is, such as a download from Hugging Face.

Which member is the model is told by its place, and what it is by its content, as everywhere.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from saddlepoint.errors import UnsupportedFormat
from saddlepoint.policies.archives import Archive, check_count, files_of
from saddlepoint.policies.naming import plain
from saddlepoint.policies.sb3 import is_sb3
from saddlepoint.schemas.policies import PolicyHints

_STATISTICS = re.compile(r"vec_?normalize.*\.pkl$")


@dataclass(frozen=True)
class Package:
    """The archive of the one model in another archive."""

    model: Archive
    notes: list[str]
    """What was found in the other one, for the card."""


def package_of(archive: Archive) -> Package | None:
    """The one model in an archive that is none itself; None if there is none, UnsupportedFormat if there are more.

    Where a repository holds a model packed and unpacked, as `package_to_hub` writes it, the packed one is taken.
    """
    files = list(files_of(archive))
    packed = [name for name in files if name.lower().endswith(".zip")]
    folders = sorted({str(PurePosixPath(name).parent) for name in files})
    unpacked = [folder for folder in folders if is_sb3(archive, f"{folder}/")]
    if len(packed) > 1 or (not packed and len(unpacked) > 1):
        raise UnsupportedFormat(
            f"An archive must hold one model; this one holds {len(packed or unpacked)}: {_listed(packed or unpacked)}. "
            "Upload the one to test alone."
        )
    if packed:
        check_count(archive)
        return Package(archive.opened(packed[0]), _notes(packed[0], [name for name in files if name != packed[0]]))
    if unpacked:
        start = f"{unpacked[0]}/"
        return Package(
            archive.within(unpacked[0]), _notes(start, [name for name in files if not name.startswith(start)])
        )
    return None


def overlooked(archive: Archive, hints: PolicyHints) -> list[str]:
    """The guess that observations are not normalised, where statistics lie beside the model and none were given."""
    found = [name for name in files_of(archive) if _STATISTICS.search(name.lower())]
    if not found or hints.observation_mean is not None or hints.observation_std is not None:
        return []
    return [
        f"observations are not normalised: the pickle {plain(found[0])!r} is not read here; give that file as "
        "'vecnormalize' if the policy was trained with it"
    ]


def _notes(model: str, others: Sequence[str]) -> list[str]:
    return [f"{plain(model)}: taken as the model", *([f"{_listed(others)}: ignored"] if others else [])]


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(plain(name) for name in names[:8])
    return shown + (f" and {len(names) - 8} more" if len(names) > 8 else "")
