"""Style and scripts under addresses that change with them, so that browsers may keep them for ever."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

PREFIX = "/static/"
_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@dataclass(frozen=True)
class Asset:
    data: bytes
    media_type: str


@dataclass(frozen=True)
class Assets:
    """Files by name, and one version of them all: scripts import one another by relative addresses."""

    version: str
    files: dict[str, Asset]

    @classmethod
    def read(cls, *folders: Path) -> "Assets":
        """The files of folders, which are small."""
        paths = sorted(path for folder in folders for path in folder.iterdir() if path.suffix in _TYPES)
        files = {path.name: Asset(path.read_bytes(), _TYPES[path.suffix]) for path in paths}
        digest = hashlib.sha256()
        for name, asset in files.items():
            digest.update(name.encode() + b"\0" + asset.data + b"\0")
        return cls(digest.hexdigest()[:16], files)

    def url(self, name: str) -> str:
        """Where a file is served. Raises KeyError where there is none."""
        assert self.files[name]
        return f"{PREFIX}{self.version}/{name}"
