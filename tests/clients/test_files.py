"""What is sent for a policy file."""

import hashlib
import zipfile
from pathlib import Path

import pytest

from clients.files import find_policy
from saddlepoint.errors import InvalidRequest


def _export(folder: Path, model: str = "p.onnx", data: str = "p.onnx.data") -> Path:
    (folder / model).write_bytes(b"graph with weights at " + data.encode())
    (folder / data).write_bytes(b"weights")
    return folder / model


@pytest.mark.parametrize("data", ["p.onnx.data", "p.onnx_data", "another name.data"])
def test_a_model_travels_with_the_neighbour_that_holds_its_weights(tmp_path: Path, data: str) -> None:
    policy = find_policy(_export(tmp_path, data=data))
    assert policy.filename == "p.zip"
    with policy.open() as stream, zipfile.ZipFile(stream) as archive:
        assert archive.namelist() == ["p.onnx", data]
        assert archive.read(data) == b"weights"


def test_a_neighbour_that_the_model_does_not_name_stays_at_home(tmp_path: Path) -> None:
    path = _export(tmp_path)
    (tmp_path / "q.onnx.data").write_bytes(b"of another model")
    assert [external.name for external in find_policy(path).externals] == ["p.onnx.data"]


def test_the_same_policy_is_packed_to_the_same_bytes(tmp_path: Path) -> None:
    digests = set()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        with find_policy(_export(tmp_path / name)).open() as stream:
            digests.add(hashlib.sha256(stream.read()).hexdigest())
    assert len(digests) == 1


def test_any_other_file_is_sent_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "policy.pt"
    path.write_bytes(b"bytes")
    policy = find_policy(path)
    assert policy.filename == "policy.pt"
    with policy.open() as stream:
        assert stream.read() == b"bytes"


def test_a_folder_and_an_empty_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.onnx").touch()
    with pytest.raises(InvalidRequest, match="is a folder"):
        find_policy(tmp_path)
    with pytest.raises(InvalidRequest, match="is empty"):
        find_policy(tmp_path / "empty.onnx")
