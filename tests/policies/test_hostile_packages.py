"""Archives in archives, folders, later pickle protocols and pickles beside a model, made to do harm: none is done.

Each sample would write `marker` if any of it were executed or extracted, or would fill memory if it were unpacked.
"""

import io
import json
import os
import pickle
import stat
import struct
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
import torch
from stable_baselines3 import PPO

from saddlepoint.errors import PolicyRejected
from saddlepoint.policies import ImportedPolicy
from tests.policies.networks import imported, saved, zipped
from tests.policies.sb3_models import VECTOR, make, members, zip_of

DEFLATED = zipfile.ZIP_DEFLATED
STATE = {"actor.0.weight": torch.ones(3, 4), "actor.0.bias": torch.zeros(3)}
MEMORY, TIME_S = 96 * 2**20, 10.0
"""Far below what the limits of a validator allow, so that it is the checks that hold."""
Sample = Callable[[Path], bytes]


class Trap:
    """Unpickling it writes a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.write_text, (self.marker, "executed")


def sb3(**changes: bytes) -> dict[str, bytes]:
    """The entries of an SB3 zip, some of them others."""
    entries = members(zip_of(make(PPO, "MlpPolicy", VECTOR)))
    return entries | {name.replace("_pth", ".pth"): data for name, data in changes.items()}


def in_folder(entries: dict[str, bytes], folder: str = "ppo") -> dict[str, bytes]:
    return {f"{folder}/{name}": data for name, data in entries.items()}


def with_index(index: bytes) -> bytes:
    """A PyTorch file with this pickle."""
    parts = members(saved(STATE))
    return zipped({name: index if name.endswith("data.pkl") else data for name, data in parts.items()})


def text(value: str) -> bytes:
    return b"\x8c" + len(value).to_bytes(1, "little") + value.encode()


def call(module: bytes, name: bytes, marker: Path) -> bytes:
    """open(marker, 'w') by a name put together as the bytes say."""
    return b"\x80\x04" + module + name + b"\x93" + text(str(marker)) + text("w") + b"\x86R."


def linked(marker: Path) -> bytes:
    """Links out of the folder where a tool would extract them."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("ppo/data", b"{}")
        link = zipfile.ZipInfo("ppo/policy.pth")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, str(marker))
    return target.getvalue()


def lying(marker: Path) -> bytes:
    """An inner archive that says less of an entry than it unpacks to."""
    inner = zipped({"data": b" " * 2**20, "policy.pth": saved(STATE)}, DEFLATED)
    at = inner.index(b"PK\x01\x02") + 24
    return zipped({"model.zip": inner[:at] + struct.pack("<I", 10) + inner[at + 4 :]})


def deep(depth: int) -> bytes:
    data = zipped(sb3())
    for _ in range(depth):
        data = zipped({"model.zip": data}, DEFLATED)
    return data


def twice_packed() -> bytes:
    """An archive of 60 MB of zeros, packed, and packed again: 2 KB."""
    inner = zipped({"policy.pth": bytes(2**20), "data": bytes(2**23), **{str(at): bytes(2**20) for at in range(50)}})
    return zipped({"model.zip": zipped({"inner": inner}, DEFLATED)}, DEFLATED)


def crowded() -> bytes:
    """Sixty archives of 60 MB of zeros each, as one."""
    inner = zipped({f"{at}/data": bytes(2**20) for at in range(60)}, DEFLATED)
    return zipped({f"{at}.zip": inner for at in range(60)}, DEFLATED)


def stated(**changes: Any) -> bytes:
    entries = sb3()
    return zipped({**entries, "data": json.dumps(json.loads(entries["data"]) | changes).encode()})


REFUSED: dict[str, Sample] = {
    "archive in an archive in an archive": lambda marker: deep(2),
    "fifty archives deep": lambda marker: deep(50),
    "zeros packed twice": lambda marker: twice_packed(),
    "sixty bombs": lambda marker: crowded(),
    "an inner archive of seventy megabytes of zeros": lambda marker: zipped(
        {"model.zip": zipped({"data": bytes(2**23), **{f"{at}": bytes(2**20) for at in range(60)}}, DEFLATED)}
    ),
    "an inner archive that lies": lying,
    "more zeros than the text may have": lambda marker: zipped(in_folder(sb3(data=bytes(2**23 + 1))), DEFLATED),
    "eight megabytes of brackets": lambda marker: zipped(in_folder(sb3(data=b"[" * 2**23)), DEFLATED),
    "a folder that leads out": lambda marker: zipped({**in_folder(sb3()), f"ppo/../../{marker.name}": b"extracted"}),
    "an absolute name": lambda marker: zipped({**in_folder(sb3()), str(marker): b"extracted"}),
    "a folder called ..": lambda marker: zipped(in_folder(sb3(), "..")),
    "an inner archive that leads out": lambda marker: zipped(
        {"model.zip": zipped({**sb3(), f"../{marker.name}": b"extracted"})}
    ),
    "links": linked,
    "two folders, one of them a trap": lambda marker: zipped(
        {**in_folder(sb3()), **in_folder(sb3(policy_pth=saved({"x": Trap(marker)})), "qqo")}
    ),
    "code in the weights of a folder": lambda marker: zipped(in_folder(sb3(policy_pth=saved({"x": Trap(marker)})))),
    "code in the weights of an inner archive": lambda marker: zipped(
        {"model.zip": zipped(sb3(policy_pth=saved({"x": Trap(marker)}, pickle_protocol=4)))}
    ),
    "code by a later protocol": lambda marker: with_index(pickle.dumps(Trap(marker), 5)),
    "a name by two texts": lambda marker: with_index(call(text("io"), text("open"), marker)),
    "a name by the memo": lambda marker: with_index(
        call(text("io") + b"\x94" + text("open") + b"\x94" + b"00", b"h\x00h\x01", marker)
    ),
    # The same number twice: first a name that is allowed, then the one that is meant.
    "a memo written twice": lambda marker: with_index(
        call(
            text("collections") + b"q\x000" + text("OrderedDict") + b"q\x010" + text("io") + b"q\x00" + b"0",
            b"h\x00" + text("open"),
            marker,
        )
    ),
    # A number that MEMOIZE would take next, taken before by BINPUT.
    "a memo that counts otherwise": lambda marker: with_index(
        call(text("io") + b"q\x01" + text("open") + b"\x94" + b"00", b"h\x01h\x01", marker)
    ),
    "a name that an object makes": lambda marker: with_index(
        call(text("collections") + text("OrderedDict") + b"\x93)R0" + b"]" + text("io") + b"a0", text("open"), marker)
    ),
    "the name of an attribute": lambda marker: with_index(
        call(text("collections"), text("OrderedDict.__init__.__globals__"), marker)
    ),
    "an allowed name by EXT": lambda marker: with_index(b"\x80\x04\x82\x01."),
    "a second pickle for the records": lambda marker: zipped(
        {**members(saved(STATE)), "other/data.pkl": pickle.dumps(Trap(marker))}
    ),
    "a checkpoint that holds itself": lambda marker: with_index(b"\x80\x02}q\x00X\x05\x00\x00\x00modelh\x00s."),
    "a name wrapped ten thousand times": lambda marker: saved(
        {**STATE, "module." * 10_000 + "actor.0.weight": torch.ones(3, 4)}
    ),
}
TAKEN: dict[str, Sample] = {
    "code in the statistics beside a model": lambda marker: zipped(
        {"model.zip": zipped(sb3()), "vec_normalize.pkl": pickle.dumps(Trap(marker))}
    ),
    "code in every pickle that plays no part": lambda marker: zipped(
        in_folder(
            sb3(
                pytorch_variables_pth=saved({"x": Trap(marker)}),
                **{"policy.optimizer_pth": pickle.dumps(Trap(marker))},
            )
        )
    ),
    "a second pickle after the first": lambda marker: with_index(
        next(data for name, data in members(saved(STATE)).items() if name.endswith("data.pkl"))
        + pickle.dumps(Trap(marker), 2)
    ),
    "a class of a megabyte": lambda marker: stated(observation_space={":type:": "<class '" + "a" * 2**20}),
    "bounds of a megabyte": lambda marker: stated(
        action_space={
            ":type:": "<class 'gym.spaces.discrete.Discrete'>",
            "n": "6",
            "low": "1" * 2**20,
            "start": "9" * 999,
        }
    ),
}


@pytest.fixture
def marker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Must not exist afterwards, nor anything else."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    yield tmp_path / "marker"
    assert sorted(os.listdir(tmp_path)) == ["here"]
    assert os.listdir(tmp_path / "here") == []


def test_the_traps_work_where_they_are_unpickled(tmp_path: Path) -> None:
    """Else these tests would show nothing."""
    pickle.loads(pickle.dumps(Trap(tmp_path / "trap"), 4))
    pickle.loads(call(text("io"), text("open"), tmp_path / "call")).close()
    assert sorted(os.listdir(tmp_path)) == ["call", "trap"]


def _measured(data: bytes) -> ImportedPolicy:
    """The policy in `data`, within MEMORY beyond the upload itself and TIME_S."""
    tracemalloc.start()
    began = perf_counter()
    try:
        return imported(data)
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < MEMORY
        assert perf_counter() - began < TIME_S


@pytest.mark.parametrize("name", REFUSED)
def test_what_could_do_harm_is_refused_without_any(name: str, marker: Path) -> None:
    with pytest.raises(PolicyRejected):
        _measured(REFUSED[name](marker))


@pytest.mark.parametrize("name", TAKEN)
def test_what_is_never_read_does_no_harm(name: str, marker: Path) -> None:
    assert _measured(TAKEN[name](marker)).card.actions in (3, 6)
