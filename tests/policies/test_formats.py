"""Bytes are told apart by what they are, whatever they are called."""

import gzip
import io
import os
import pickle
import tarfile
from contextlib import suppress

import gymnasium
import numpy as np
import pytest
import torch
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from saddlepoint.errors import PolicyRejected, UnsafePickle, UnsupportedFormat
from saddlepoint.policies import import_policy
from saddlepoint.policies.importing import ImportedPolicy
from saddlepoint.schemas.policies import PolicyHints
from tests.policies.networks import NOW, imported, saved, zipped
from tests.policies.onnx_models import linear

PERCEPTRON = {"actor.0.weight": torch.ones(3, 4), "actor.0.bias": torch.zeros(3)}


def array() -> bytes:
    target = io.BytesIO()
    np.save(target, np.ones(3))
    return target.getvalue()


@pytest.mark.parametrize("name", [None, "policy.onnx", "policy.zip", "../../etc/passwd", "a.pt", ""])
def test_the_name_decides_nothing(name: str | None) -> None:
    policy = import_policy(
        saved(PERCEPTRON), filename_hint=name, hints=PolicyHints(), policy_id="policy", created_at=NOW
    )
    assert policy.card.format == "torch-state-dict"
    assert policy.card.name in (None, "policy", "passwd", "a")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "malformed-policy"),
        (b"\x00", "unsupported-format"),
        (b"hello, this is a policy", "unsupported-format"),
        (b"<!DOCTYPE html><html></html>", "unsupported-format"),
        (b'{"policy": "json"}', "unsupported-format"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "unsupported-format"),
        (gzip.compress(b"policy"), "unsupported-format"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "unsupported-format"),
        (array(), "unsupported-format"),
        (b"\x7fELF" + bytes(100), "unsupported-format"),
        (b"MZ" + bytes(100), "unsupported-format"),
        (zipped({"readme.txt": b"nothing"}), "unsupported-format"),
        (zipped({"a.onnx": b"", "b.onnx": b""}), "unsupported-format"),
        (zipped({}), "unsupported-format"),
        (zipped({"p.onnx": b"no model"}), "unsupported-format"),
        (b"PK\x03\x04", "malformed-policy"),
        (b"\x08\x08" + bytes(20), "malformed-policy"),
    ],
)
def test_what_is_no_policy_is_refused_by_kind(data: bytes, code: str) -> None:
    with pytest.raises(PolicyRejected) as caught:
        imported(data)
    assert caught.value.code == code


def tar(entry: str) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo(entry))
    return target.getvalue()


@pytest.mark.parametrize(
    ("data", "meaning"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(50), "a PNG picture"),
        (b"\xff\xd8\xff\xe0" + bytes(50), "a JPEG picture"),
        (b"%PDF-1.4 text", "a PDF document"),
        (b"\0\0\0\x18ftypmp42" + bytes(50), "a film"),
        (b"\x1c\0\0\0TFL3" + bytes(60), "a TensorFlow Lite model"),
        (b"\n<!DOCTYPE html>", "an HTML or XML page"),
        (b'{"a": 1}', "JSON"),
        (b"PK\x05\x06" + bytes(18), "an empty zip archive"),
        (tar("ppo/policy.pth"), "a tar archive"),
    ],
)
def test_what_is_no_policy_is_called_what_it_is(data: bytes, meaning: str) -> None:
    with pytest.raises(UnsupportedFormat, match=f"The file is {meaning}, which is no policy"):
        imported(data)


@pytest.mark.parametrize("entry", ["sys_info", "pickle"])
def test_a_tar_that_torch_wrote_is_a_pickle(entry: str) -> None:
    with pytest.raises(UnsafePickle):
        imported(tar(entry))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_statistics_without_a_policy_are_told_where_to_go(protocol: int) -> None:
    statistics = VecNormalize(DummyVecEnv([lambda: gymnasium.make("CartPole-v1")]))
    with pytest.raises(UnsafePickle, match="--vecnormalize FILE"):
        imported(pickle.dumps(statistics, protocol))


BEGINNINGS = (b"", b"PK\x03\x04", b"\x08\x08", b"\x08\x09\x12", b"\x80\x02", b"\x40\0\0\0\0\0\0\0{")


@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_random_bytes_are_refused(beginning: bytes) -> None:
    random = np.random.default_rng(0)
    for _ in range(50):
        with pytest.raises(PolicyRejected):
            imported(beginning + random.bytes(int(random.integers(1, 2000))))


WHOLE = {
    "onnx": linear().SerializeToString(),
    "torch": saved(PERCEPTRON),
    "zip": zipped({"p.onnx": linear().SerializeToString()}),
}


@pytest.mark.parametrize("kind", WHOLE)
def test_flipped_bytes_never_raise_anything_foreign(kind: str) -> None:
    """A damaged file is refused or, where the damage is in a weight or a name, still a policy."""
    random = np.random.default_rng(0)
    for _ in range(150):
        data = bytearray(WHOLE[kind])
        for _ in range(int(random.integers(1, 6))):
            data[int(random.integers(len(data)))] = int(random.integers(256))
        with suppress(PolicyRejected):
            assert imported(bytes(data)).card.actions >= 2


def test_an_imported_policy_survives_the_way_through_a_pipe() -> None:
    policy = imported(saved(PERCEPTRON))
    assert ImportedPolicy.from_bytes(policy.to_bytes()) == policy


def test_the_same_bytes_give_the_same_model() -> None:
    data = saved(PERCEPTRON)
    assert imported(data) == imported(data)


def test_nothing_is_written(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(str(tmp_path))
    imported(linear().SerializeToString())
    assert os.listdir(".") == []
