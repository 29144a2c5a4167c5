"""Whatever a pickle does to hide a name, what it names is known or it is refused, and nothing is loaded from it."""

import pickle
import pickletools
from collections import OrderedDict

import pytest

from saddlepoint.errors import MalformedPolicy, PolicyRejected, UnpackedTooLarge, UnsafePickle
from saddlepoint.policies.retelling import retold

HEAD = b"\x80\x04"


def text(value: str) -> bytes:
    return b"\x8c" + len(value).to_bytes(1, "little") + value.encode()


NAMED = text("collections") + text("OrderedDict") + b"\x93"
EMPTY = HEAD + NAMED + b")R."
"""The pickle of an empty OrderedDict."""


def test_names_that_are_allowed_are_told_in_protocol_2() -> None:
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        data = pickle.dumps({"a": OrderedDict(b=1), "c": OrderedDict(), "d": ["a", "b", "a"], "e": "é" * 300}, protocol)
        told = retold(data)
        assert max(opcode.proto for opcode, *_ in pickletools.genops(told)) <= 2
        assert pickle.loads(told) == pickle.loads(data)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(
            HEAD + text("collections") + b"\x94" + text("OrderedDict") + b"\x94" + b"00h\x00h\x01\x93)R.", id="memo"
        ),
        pytest.param(
            HEAD + b"]" + b"\x94" + text("collections") + b"\x940h\x01" + text("OrderedDict") + b"\x93)R.", id="count"
        ),
        pytest.param(HEAD + text("unused") + NAMED + b"\x85)R.", id="below"),
    ],
)
def test_names_put_together_from_the_memo(data: bytes) -> None:
    assert b"ccollections\nOrderedDict\n" in retold(data)


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
        # Texts that come out of something else than a text are not known.
        pytest.param(HEAD + text("os") + text("system") + b"\x86\x93.", id="tuple"),
        pytest.param(
            HEAD + text("collections") + text("OrderedDict") + b"0" + text("OrderedDict") + b"\x93.", id="pop"
        ),
        pytest.param(HEAD + text("collections") + b"2" + b"\x93.", id="duplicate"),
        pytest.param(HEAD + text("collections") + b"(1" + text("OrderedDict") + b"\x93.", id="mark"),
        pytest.param(HEAD + text("os") + b"U\x06system\x93.", id="short text of bytes"),
        pytest.param(HEAD + b"U\x02os" + text("system") + b"\x93.", id="bytes below"),
        pytest.param(HEAD + text("collections") + b"\x93.", id="one text"),
        pytest.param(HEAD + b"\x93.", id="no text"),
        pytest.param(HEAD + text("collections OrderedDict") + text("") + b"\x93.", id="all in the module"),
        pytest.param(HEAD + text("") + text("collections OrderedDict") + b"\x93.", id="all in the name"),
        pytest.param(HEAD + text("collections") + text("OrderedDict.fromkeys") + b"\x93.", id="attribute of a name"),
        pytest.param(HEAD + text("collections") + text("OrderedDict\nos\nsystem") + b"\x93.", id="lines"),
        pytest.param(b"ccollections\nOrderedDict \n.", id="a blank"),
        pytest.param(b"cos\nsystem\n.", id="oldest"),
        pytest.param(b"(ios\nsystem\n.", id="instance"),
        pytest.param(HEAD + NAMED + b")\x81.", id="new object"),
        pytest.param(HEAD + b"\x82\x01.", id="registered"),
    ],
)
def test_other_names_are_refused(data: bytes) -> None:
    with pytest.raises(UnsafePickle):
        retold(data)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(HEAD + b"h\x05.", id="memo of nothing"),
        pytest.param(HEAD + b"]p-1\n.", id="negative number"),
        pytest.param(HEAD + b"]p99999999999\n.", id="large number"),
        pytest.param(HEAD + b"]", id="no end"),
        pytest.param(HEAD + b"\x8c\xff", id="half a text"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_damage_is_told_as_such(data: bytes) -> None:
    with pytest.raises(MalformedPolicy):
        retold(data)


def test_a_text_of_a_megabyte_is_not_repeated_a_million_times() -> None:
    large = b"X" + (2**20).to_bytes(4, "little") + b"x" * 2**20 + b"q\x00"
    with pytest.raises(UnpackedTooLarge):
        retold(b"\x80\x02" + large + b"h\x00" * 2**20 + b".")
    with pytest.raises(UnpackedTooLarge):
        retold(b"\x80\x02]" + bytes(17 * 2**20))


def test_the_refusal_says_what_is_named_in_safe_characters() -> None:
    with pytest.raises(PolicyRejected, match=r"names 'numpy\.core\.multiarray\.scalar'"):
        retold(b"cnumpy.core.multiarray\nscalar\n.")
    with pytest.raises(PolicyRejected, match=r"names '\?script\?\.'"):
        retold(HEAD + text("<script>") + text("") + b"\x93.")
