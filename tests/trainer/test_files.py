"""A file is replaced or stays as it was."""

import errno
import os
from pathlib import Path

import pytest

from trainer.files import write_atomically


def test_a_full_disk_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "checkpoint"
    write_atomically(path, b"old")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            write_atomically(path, b"new")
    assert [(found.name, found.read_bytes()) for found in tmp_path.iterdir()] == [("checkpoint", b"old")]
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
