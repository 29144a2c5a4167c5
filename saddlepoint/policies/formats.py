"""What kind of policy some bytes are, by their content alone: names and content types are never trusted."""

from collections.abc import Mapping
from dataclasses import replace

from torch import Tensor

from saddlepoint.errors import MalformedPolicy, UnsafePickle, UnsupportedFormat
from saddlepoint.policies.archives import Archive, open_archive
from saddlepoint.policies.card_roles import check_roles
from saddlepoint.policies.found import Found
from saddlepoint.policies.onnx_import import from_onnx
from saddlepoint.policies.onnx_reader import looks_like_onnx, onnx_member, read_onnx, read_onnx_archive
from saddlepoint.policies.packages import overlooked, package_of
from saddlepoint.policies.pickles import (
    Saved,
    TorchFile,
    is_bare_pickle,
    is_torch_archive,
    listed,
    read_torch_archive,
    state_dict_in,
)
from saddlepoint.policies.sa_ppo import from_sa_ppo, is_sa_ppo
from saddlepoint.policies.sb3 import from_sb3, from_sb3_weights, has_sb3_names, is_sb3
from saddlepoint.policies.state_dicts import from_state_dict
from saddlepoint.policies.tensor_names import without_wrappers
from saddlepoint.policies.tensors import is_safetensors, read_safetensors
from saddlepoint.policies.torch_legacy import is_legacy, read_legacy
from saddlepoint.schemas.policies import PolicyHints

_TAKEN = (
    "Taken are ONNX, a zip of ONNX and its data, Stable-Baselines3 zips, PyTorch state dicts (zip) and safetensors."
)
_KNOWN_OTHERS = (
    (b"\x1f\x8b", "a gzip file"),
    (b"\x89HDF", "an HDF5 file (Keras)"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"version https://git-lfs", "a Git LFS pointer, not the file it stands for"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ", "an xz file"),
    (b"7z\xbc\xaf", "a 7z file"),
    (b"Rar!", "a RAR file"),
    (b"\x7fELF", "a program"),
    (b"{", "JSON"),
    (b"<", "an HTML or XML page"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"RIFF", "a picture, a sound or a film"),
    (b"%PDF", "a PDF document"),
    (b"GGUF", "a GGUF file of a language model"),
    (b"PK\x05\x06", "an empty zip archive"),
)
_INSIDE = (
    (slice(4, 8), b"TFL3", "a TensorFlow Lite model"),
    (slice(4, 8), b"ftyp", "a film"),
    (slice(257, 262), b"ustar", "a tar archive"),
)
"""What is told by bytes further in."""
_START = 64
_VEC_NORMALIZE = b"stable_baselines3.common.vec_env.vec_normalize"
"""The module of the class that such a pickle begins with."""
_TORCH_TARS = (b"sys_info", b"pickle", b"tensors", b"storages")
"""How the entries of the tar archives that PyTorch wrote before version 0.1.10 are called."""


def recognise(data: bytes, hints: PolicyHints) -> Found:
    """The policy in these bytes; a PolicyRejected says why there is none."""
    if not data:
        raise MalformedPolicy("The policy file is empty. Upload the file itself.")
    if data.startswith(b"PK\x03\x04"):
        return _from_archive(open_archive(data), hints)
    if is_safetensors(data):
        return _from_tensors(read_safetensors(data), hints, "safetensors")
    if looks_like_onnx(data):
        return from_onnx(read_onnx(data), hints, file_format="onnx")
    if is_legacy(data) and is_sa_ppo((file := read_legacy(data)).root):
        return _from_torch(file, hints)
    _refuse_others(data)
    return from_onnx(read_onnx(data), hints, file_format="onnx")


def _from_archive(archive: Archive, hints: PolicyHints) -> Found:
    found = _from_model(archive, hints)
    if found is None and (package := package_of(archive)) is not None:
        inner = _from_model(package.model, hints)
        found = inner and replace(inner, contents=[*package.notes, *inner.contents])
    if found is None:
        raise UnsupportedFormat(
            "The zip archive is none of the kinds taken: it must hold one .onnx file with its data, or be what "
            f"Stable-Baselines3 or torch.save wrote, or hold one such zip or folder. {_TAKEN}"
        )
    return replace(found, guesses=[*found.guesses, *overlooked(archive, hints)])


def _from_model(archive: Archive, hints: PolicyHints) -> Found | None:
    if is_sb3(archive):
        check_roles(hints)
        return from_sb3(archive, hints)
    if is_torch_archive(archive):
        return _from_torch(read_torch_archive(archive), hints)
    member = onnx_member(archive)
    if member is not None:
        return from_onnx(read_onnx_archive(archive, member), hints, file_format="onnx-zip")
    return None


def _from_torch(file: TorchFile, hints: PolicyHints) -> Found:
    if is_sa_ppo(file.root):
        check_roles(hints)
        return from_sa_ppo(file, hints)
    saved = state_dict_in(file)
    found = _from_tensors(saved.tensors, hints, "torch-state-dict")
    guesses = [*found.guesses, *_unread(saved, hints)]
    return replace(found, contents=[*saved.notes, *found.contents], guesses=guesses)


def _unread(saved: Saved, hints: PolicyHints) -> list[str]:
    """That observations may have been normalised by what stands beside the weights, unless the user says by what."""
    if not saved.normalisers or hints.observation_mean is not None or hints.observation_std is not None:
        return []
    return [
        f"observations are not normalised by {listed(saved.normalisers)}, which the file holds beside the weights; if "
        "they were in training, state observation_mean, observation_std and observation_clip in the card"
    ]


def _from_tensors(tensors: Mapping[str, Tensor], hints: PolicyHints, file_format: str) -> Found:
    check_roles(hints)
    tensors = without_wrappers(tensors)
    if has_sb3_names(tensors):
        return from_sb3_weights(tensors, hints, file_format)
    return from_state_dict(tensors, hints, file_format=file_format)


def _refuse_others(data: bytes) -> None:
    start = data[:_START].lstrip()
    found = [meaning for magic, meaning in _KNOWN_OTHERS if start.startswith(magic)]
    found += [meaning for place, magic, meaning in _INSIDE if data[place] == magic]
    is_old = data[:100].rstrip(b"\0") in _TORCH_TARS
    if found and not is_old:
        raise UnsupportedFormat(f"The file is {found[0]}, which is no policy. {_TAKEN}")
    if is_old or is_bare_pickle(data):
        if _VEC_NORMALIZE in data[: 2 * _START]:
            raise UnsafePickle(
                "The file holds the statistics of Stable-Baselines3's VecNormalize and no policy. Give the policy, and "
                "this file beside it: --vecnormalize FILE, or vecnormalize= of the Python client."
            )
        raise UnsafePickle(
            "The file is a pickle without PyTorch's zip around it, which is a program when loaded; it was not loaded. "
            "Save the weights with torch.save(network.state_dict(), path) of any PyTorch since 1.6."
        )
