"""A multipart form as a sequence of events, from chunks as they arrive; nothing is held but the current chunk."""

from typing import NamedTuple

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from saddlepoint.errors import InvalidRequest, MalformedRequest, UnsupportedMediaType

MAX_PARTS = 8


class PartBegan(NamedTuple):
    name: str
    filename: str | None


class PartData(NamedTuple):
    data: bytearray


class PartEnded(NamedTuple):
    pass


PartEvent = PartBegan | PartData | PartEnded


def boundary_of(content_type: str | None) -> bytes:
    """The boundary that a Content-Type header names. Raises UnsupportedMediaType where it is no form."""
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise UnsupportedMediaType(
            "The body must be multipart/form-data with a boundary; curl sends it with -F policy=@FILE -F spec=JSON."
        )
    return options[b"boundary"]


class MultipartReader:
    """Turns chunks into events. Raises MalformedRequest at damage and InvalidRequest at too many parts."""

    def __init__(self, boundary: bytes) -> None:
        self._events: list[PartEvent] = []
        self._header: tuple[bytearray, bytearray] = (bytearray(), bytearray())
        self._headers: dict[bytes, bytes] = {}
        self._parts = 0
        self.ended = False
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._on_part_begin,
                    "on_header_field": self._on_header_field,
                    "on_header_value": self._on_header_value,
                    "on_header_end": self._on_header_end,
                    "on_headers_finished": self._on_headers_finished,
                    "on_part_data": self._on_part_data,
                    "on_part_end": self._on_part_end,
                    "on_end": self._on_end,
                },
            )
        except FormParserError:
            raise MalformedRequest("The boundary of the form is too long; RFC 2046 allows 70 characters.") from None

    def feed(self, data: bytes) -> list[PartEvent]:
        """What `data` brings."""
        try:
            self._parser.write(data)
        except FormParserError:
            raise MalformedRequest("The multipart form is damaged; let an HTTP library build it.") from None
        events, self._events = self._events, []
        return events

    def check_complete(self) -> None:
        """Raise MalformedRequest unless the closing boundary has come."""
        if not self.ended:
            raise MalformedRequest("The multipart form ends before its closing boundary; send it again in full.")

    def _on_part_begin(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise InvalidRequest(f"A form may have at most {MAX_PARTS} parts, got more; send each part once.")
        self._headers = {}

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header[0].extend(data[start:end])

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header[1].extend(data[start:end])

    def _on_header_end(self) -> None:
        field, value = self._header
        self._headers[bytes(field).lower()] = bytes(value).strip()
        self._header = (bytearray(), bytearray())

    def _on_headers_finished(self) -> None:
        disposition, options = parse_options_header(self._headers.get(b"content-disposition", b"").decode("latin-1"))
        if disposition != b"form-data" or b"name" not in options:
            raise MalformedRequest("Every part of a form needs `Content-Disposition: form-data; name=...`.")
        filename = options.get(b"filename")
        self._events.append(
            PartBegan(
                name=options[b"name"].decode("utf-8", "replace"),
                filename=None if filename is None else filename.decode("utf-8", "replace"),
            )
        )

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        """Runs of data are one event: a body full of half boundaries is reported in a great many pieces."""
        last = self._events[-1] if self._events else None
        if isinstance(last, PartData):
            last.data.extend(data[start:end])
        else:
            self._events.append(PartData(bytearray(data[start:end])))

    def _on_part_end(self) -> None:
        self._events.append(PartEnded())

    def _on_end(self) -> None:
        self.ended = True
