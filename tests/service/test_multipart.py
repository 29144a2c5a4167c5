import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saddlepoint.errors import InvalidRequest, MalformedRequest, UnsupportedMediaType
from service.multipart import MultipartReader, PartBegan, PartData, PartEnded, PartEvent, boundary_of

HEAD = b'--X\r\nContent-Disposition: form-data; name="policy"; filename="a.onnx"\r\n\r\n'
TAIL = b"\r\n--X--\r\n"


def read(body: bytes, size: int | None = None) -> list[PartEvent]:
    reader = MultipartReader(b"X")
    step = size or max(len(body), 1)
    events = [event for start in range(0, len(body), step) for event in reader.feed(body[start : start + step])]
    reader.check_complete()
    return events


def contents(events: list[PartEvent]) -> bytes:
    return b"".join(event.data for event in events if isinstance(event, PartData))


def test_a_part_is_its_beginning_its_data_and_its_end() -> None:
    assert [PartBegan("policy", "a.onnx"), PartData(bytearray(b"abc")), PartEnded()] == read(HEAD + b"abc" + TAIL)


def test_a_part_without_a_file_name_has_none() -> None:
    head = b'--X\r\nContent-Disposition: form-data; name="spec"\r\n\r\n'
    assert PartBegan("spec", None) == read(head + b"{}" + TAIL)[0]


@settings(deadline=None)
@given(data=st.binary(max_size=200), size=st.integers(min_value=1, max_value=97))
def test_data_survives_any_cut_into_chunks(data: bytes, size: int) -> None:
    assert data == contents(read(HEAD + data.replace(b"--X", b"-X") + TAIL, size)) or b"--X" in data


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
def test_half_boundaries_are_data(size: int) -> None:
    data = b"\r\n--" * 50 + b"\r\n--Y\r\r\n-"
    assert data == contents(read(HEAD + data + TAIL, size))


def test_a_chunk_of_half_boundaries_is_one_event() -> None:
    reader = MultipartReader(b"X")
    assert len(reader.feed(HEAD + b"\r\n-" * 10_000 + b"end")) == 2


@pytest.mark.parametrize(
    "body",
    [
        b"no boundary at all, but long enough to be looked at",
        b"--X\r\nContent-Disposition: form-data\r\n\r\nabc" + TAIL,
        b'--X\r\nContent-Disposition: attachment; name="policy"\r\n\r\nabc' + TAIL,
        b"--X\r\nno colon here\r\n\r\nabc" + TAIL,
        b"--X\r\nContent-Disposition: " + b"x" * 100_000 + b"\r\n\r\nabc" + TAIL,
        HEAD + b"truncated",
        b"",
    ],
)
def test_damage_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedRequest):
        read(body)


def test_a_form_of_many_parts_is_refused() -> None:
    part = b'--X\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
    assert len(read(part * 8 + b"--X--\r\n")) == 8 * 3
    with pytest.raises(InvalidRequest, match="at most 8 parts"):
        read(part * 9 + b"--X--\r\n")


@pytest.mark.parametrize("kind", [None, "", "application/json", "multipart/form-data", "multipart/mixed; boundary=X"])
def test_a_body_of_another_kind_is_unsupported(kind: str | None) -> None:
    with pytest.raises(UnsupportedMediaType):
        boundary_of(kind)


def test_the_boundary_is_taken_from_the_content_type() -> None:
    assert boundary_of('multipart/form-data; boundary="X y"') == b"X y"


def test_a_boundary_that_is_too_long_is_malformed() -> None:
    with pytest.raises(MalformedRequest):
        MultipartReader(b"x" * 1000)
