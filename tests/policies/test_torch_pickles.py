"""Whatever a pickle does to hide a name, what it names is known or it is refused, and nothing is loaded from it."""

import pickle
import time
import tracemalloc
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
import torch

from saddlepoint.errors import MalformedPolicy, PolicyRejected, UnsafePickle
from saddlepoint.inert import Recorded
from saddlepoint.inert_arrays import numbers_of
from saddlepoint.policies.pickles import read_torch_file
from saddlepoint.policies.torch_pickles import TensorClaim, read_pickle
from tests.policies.networks import imported, saved
from tests.policies.test_pickles import with_pickle

HEAD = b"\x80\x04"


def text(value: str) -> bytes:
    return b"\x8c" + len(value).to_bytes(1, "little") + value.encode()


NAMED = text("collections") + text("OrderedDict") + b"\x93"
EMPTY = HEAD + NAMED + b")R."
"""The pickle of an empty OrderedDict."""


def read(data: bytes) -> Any:
    return read_pickle(data).root


def test_plain_data_is_read_as_pickle_reads_it() -> None:
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        content = {"a": OrderedDict(b=1), "c": OrderedDict(), "d": ["a", "b", "a"], "e": "é" * 300, "f": (1, 2.5, None)}
        assert read(pickle.dumps(content, protocol)) == content


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(
            HEAD + text("collections") + b"\x94" + text("OrderedDict") + b"\x94" + b"00h\x00h\x01\x93)R.", id="memo"
        ),
        pytest.param(
            HEAD + b"]" + b"\x94" + text("collections") + b"\x940h\x01" + text("OrderedDict") + b"\x93)R.", id="count"
        ),
        pytest.param(HEAD + text("unused") + NAMED + b")R.", id="below"),
    ],
)
def test_names_put_together_from_the_memo(data: bytes) -> None:
    assert isinstance(read(data), OrderedDict)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(HEAD + text("os") + text("system") + b"\x93.", id="plain"),
        pytest.param(HEAD + text("os") + b"q\x07" + text("system") + b"q\x0800h\x07h\x08\x93.", id="memo"),
        # Number 0 is the harmless name first and another one after.
        pytest.param(
            HEAD + text("collections") + b"q\x000" + text("os") + b"q\x000h\x00" + text("system") + b"\x93.",
            id="memo written twice",
        ),
        pytest.param(
            HEAD + text("collections") + b"\x94" + text("os") + b"q\x00" + b"00h\x00" + text("system") + b"\x93.",
            id="memo overwritten by number",
        ),
        pytest.param(HEAD + text("os") + b"U\x06system\x93.", id="short text of bytes"),
        pytest.param(HEAD + b"U\x02os" + text("system") + b"\x93.", id="bytes below"),
        pytest.param(HEAD + text("collections") + b"2" + b"\x93.", id="duplicate"),
        pytest.param(HEAD + text("collections OrderedDict") + text("") + b"\x93.", id="all in the module"),
        pytest.param(HEAD + text("") + text("collections OrderedDict") + b"\x93.", id="all in the name"),
        pytest.param(HEAD + text("collections") + text("OrderedDict.fromkeys") + b"\x93.", id="attribute of a name"),
        pytest.param(HEAD + text("collections") + text("OrderedDict\nos\nsystem") + b"\x93.", id="lines"),
        pytest.param(b"ccollections\nOrderedDict \n.", id="a blank"),
        pytest.param(b"cos\nsystem\n.", id="oldest"),
        pytest.param(b"(ios\nsystem\n.", id="instance"),
    ],
)
def test_other_names_are_refused(data: bytes) -> None:
    with pytest.raises(UnsafePickle):
        read(data)


REBUILD = b"ctorch._utils\n_rebuild_tensor_v2\n"


def storage(key: bytes = b"0", count: bytes = b"K\x04") -> bytes:
    """A persistent id of `count` floats, put on the stack."""
    return b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nU" + bytes([len(key)]) + key + b"U\x03cpu" + count + b"tQ"


def claim(shape: bytes, strides: bytes, offset: bytes = b"K\x00", held: bytes | None = None) -> bytes:
    held = storage() if held is None else held
    return b"\x80\x02" + REBUILD + b"(" + held + offset + shape + strides + b"\x89}tR"


def axes(count: int) -> bytes:
    return b"(" + b"K\x01" * count + b"t"


def test_a_tensor_is_a_claim() -> None:
    found = read(claim(b"K\x02K\x02\x86", b"K\x02K\x01\x86") + b".")
    assert isinstance(found, TensorClaim)
    numbers = found.storage.numbers(np.arange(4, dtype=np.float32).tobytes())
    assert torch.equal(found.of(numbers), torch.tensor([[0.0, 1.0], [2.0, 3.0]]))
    assert torch.equal(read(claim(b"K\x02\x85", b"K\x02\x85", b"K\x01") + b".").of(numbers), torch.tensor([1.0, 3.0]))
    assert read(claim(b"K\x00\x85", b"K\x01\x85", b"K\x7f") + b".").of(numbers).shape == (0,)
    assert read(claim(axes(64), axes(64)) + b".").of(numbers).shape == (1,) * 64


def test_a_negated_view_is_refused() -> None:
    view = torch.randn(3, dtype=torch.complex64).conj().imag
    assert view.is_neg()
    with pytest.raises(PolicyRejected, match="negated view"):
        imported(saved({"actor.0.weight": view}))


def test_a_view_of_a_storage_that_very_old_files_had_is_refused() -> None:
    plainly, viewed = (storage().replace(b"tQ", view + b"tQ") for view in (b"N", b"X\x01\x00\x00\x00vK\x04K\x04\x87"))
    assert read(claim(b"K\x01\x85", b"K\x01\x85", held=plainly) + b".").count == 1
    with pytest.raises(MalformedPolicy):
        read(claim(b"K\x01\x85", b"K\x01\x85", held=viewed) + b".")


@pytest.mark.parametrize(
    ("shape", "strides", "offset"),
    [
        pytest.param(b"K\x04\x85", b"K\x01\x85", b"K\x01", id="offset"),
        pytest.param(b"K\x02K\x02\x86", b"K\x03K\x01\x86", b"K\x00", id="strides"),
        pytest.param(b"K\x05\x85", b"K\x00\x85", b"K\x00", id="expanded"),
        pytest.param(b"K\x01\x85", b"K\x01\x85", b"J\xff\xff\xff\x7f", id="far"),
    ],
)
def test_a_claim_beyond_its_storage_is_refused(shape: bytes, strides: bytes, offset: bytes) -> None:
    with pytest.raises(PolicyRejected):
        read(claim(shape, strides, offset) + b".").of(torch.zeros(4))


def test_a_storage_has_the_bytes_that_it_says() -> None:
    found = read(claim(b"K\x04\x85", b"K\x01\x85") + b".")
    for length in (0, 15, 17, 32):
        with pytest.raises(MalformedPolicy):
            found.storage.numbers(bytes(length))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(HEAD + b"h\x05.", id="memo of nothing"),
        pytest.param(HEAD + b"]p-1\n.", id="negative number"),
        pytest.param(HEAD + b"]p99999999999\n.", id="large number"),
        pytest.param(HEAD + b"]", id="no end"),
        pytest.param(HEAD + b"\x8c\xff", id="half a text"),
        pytest.param(b"", id="nothing"),
        pytest.param(HEAD + b"\x93.", id="name of nothing"),
        pytest.param(HEAD + text("collections") + b"\x93.", id="name of one text"),
        pytest.param(HEAD + text("os") + text("system") + b"\x86\x93.", id="name of a tuple"),
        pytest.param(HEAD + b"\x82\x01.", id="registered"),
        pytest.param(claim(b"K\x02\x85", b"K\x02K\x01\x86") + b".", id="strides of another rank"),
        pytest.param(claim(b"J\xff\xff\xff\xff\x85", b"K\x01\x85") + b".", id="negative size"),
        pytest.param(claim(b"X\x01\x00\x00\x00a", b"X\x01\x00\x00\x00b") + b".", id="sizes of text"),
        pytest.param(claim(b"\x88\x85", b"\x88\x85") + b".", id="sizes of truth"),
        pytest.param(claim(b"K\x01\x85", b"K\x01\x85", held=b"N") + b".", id="no storage"),
        pytest.param(
            claim(b"K\x01\x85", b"K\x01\x85", held=storage(count=b"J\xff\xff\xff\xff")) + b".", id="less than none"
        ),
        pytest.param(claim(axes(65), axes(65)) + b".", id="axes"),
        pytest.param(claim(b"]K\x01a", b"]K\x01a") + b".", id="lists"),
        pytest.param(b"\x80\x02" + REBUILD + b"}U\x01aK\x01sb.", id="state of a function"),
        pytest.param(b"\x80\x02" + REBUILD + b"N}U\x0c__defaults__)s\x86b.", id="defaults of a function"),
        pytest.param(claim(b"K\x01\x85", b"K\x01\x85") + b"}X\x05\x00\x00\x00shapeNsb.", id="state of a claim"),
        pytest.param(HEAD + NAMED + b"}X\x01\x00\x00\x00aK\x01sb.", id="state of a class"),
        pytest.param(b"ctorch\nFloatStorage\n)R.", id="call of a type"),
    ],
)
def test_damage_is_told_as_such(data: bytes) -> None:
    with pytest.raises(MalformedPolicy):
        read(data)


def test_objects_that_trainings_keep_are_records_and_nothing_else() -> None:
    array, number = np.arange(6, dtype=np.float64).reshape(2, 3), np.float64(2.5)
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        found = read(pickle.dumps({"array": array, "number": number}, protocol))
        assert (numbers_of(found["array"]), numbers_of(found["number"])) == (list(range(6)), [2.5])
        beside = {"none": np.zeros(0), "random": np.random.default_rng(0), "state": np.random.RandomState(0)}
        assert numbers_of(read(pickle.dumps(beside, protocol))["none"]) == []
    space = read(b"cgymnasium.spaces.box\nBox\n)\x81}X\x03\x00\x00\x00lowK\x01sb.")
    assert isinstance(space, Recorded)
    assert (space.origin, space.state) == (("gymnasium.spaces.box", "Box"), {"low": 1})


def test_the_names_of_those_are_taken_to_the_letter() -> None:
    for name in (
        b"numpy\nload",
        b"numpy.core.multiarray\n_reconstruct.x",
        b"gym\nmake",
        b"gym.envs\nx y",
        b"xargparse\nNamespace",
    ):
        with pytest.raises(UnsafePickle):
            read(b"c" + name + b"\n.")


def test_a_text_of_a_megabyte_used_a_million_times_is_kept_once() -> None:
    large = b"X" + (2**20).to_bytes(4, "little") + b"x" * 2**20 + b"q\x00"
    data = b"\x80\x02](" + large + b"h\x00" * 2**20 + b"e."
    tracemalloc.start()
    assert len(read(data)) == 2**20 + 1
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 64 * 2**20


def test_an_array_of_many_axes_is_none() -> None:
    found = read(pickle.dumps(np.zeros(1), 2))
    version, _, *rest = found.state
    found.state = (version, (1,) * 64, *rest)
    assert numbers_of(found) == [0.0]
    found.state = (version, (1,) * 65, *rest)
    with pytest.raises(ValueError, match="no shape"):
        numbers_of(found)


def test_entries_that_no_text_can_name_are_not_spelt_out() -> None:
    """The text of a tuple of sets doubles with every level, and that of a record holds addresses of memory."""
    key = b"(\x91\x94"
    for level in range(40):
        key = b"(" + key + b"h" + bytes([level]) + b"\x85\x91\x94"
    content = (
        HEAD
        + b"}"
        + key
        + b"K\x01s"
        + text("weight")
        + claim(axes(1), axes(1), held=storage(count=b"K\x0c"))[2:]
        + b"s."
    )
    notes = read_torch_file(with_pickle(content)).notes
    assert notes == ["another: no tensors, ignored"]


def test_a_dict_named_many_times_is_looked_at_once() -> None:
    large = (
        b"}("
        + b"".join(b"K" + bytes([at % 256]) + b"K" + bytes([at // 256]) + b"\x86K\x01" for at in range(60000))
        + b"u\x94"
    )
    names = b"".join(b"J" + at.to_bytes(4, "little") + b"h\x00" for at in range(20000))
    data = with_pickle(HEAD + b"}(" + text("model") + large + names + b"u.")
    begun = time.perf_counter()
    with pytest.raises(PolicyRejected):
        read_torch_file(data)
    assert time.perf_counter() - begun < 5


def test_the_refusal_says_what_is_named_in_safe_characters() -> None:
    with pytest.raises(PolicyRejected, match=r"names 'builtins\.eval'"):
        read(b"cbuiltins\neval\n.")
    with pytest.raises(PolicyRejected, match=r"names '\?script\?\.'"):
        read(HEAD + text("<script>") + text("") + b"\x93.")
