"""A form with one file: the file goes to the spool while it arrives, the small parts are read as soon as they end."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from starlette.requests import Request

from saddlepoint.errors import BodyTooLarge, InvalidRequest, MalformedPolicy
from service.multipart import MultipartReader, PartBegan, PartData, PartEnded, PartEvent, boundary_of
from service.spool import SpoolFile

POLICY_PART = "policy"
MAX_TEXT = 2**20
MAX_FILENAME = 200
_MAX_QUOTED = 60


@dataclass
class Form:
    """What came: the file lies in `file`, the other parts in `values`, already read."""

    file: SpoolFile
    filename: str | None = None
    values: dict[str, object] = field(default_factory=dict)


async def read_form(
    request: Request,
    file: SpoolFile,
    readers: Mapping[str, Callable[[bytes], object]],
    *,
    required: frozenset[str],
    file_part: str = POLICY_PART,
) -> Form:
    """Read the body of `request` to its end.

    `readers` turn the other parts into values and raise where one cannot be taken: at once, so that a faulty
    specification that comes before the file is answered before the file is read. `file_part` is the name of the file's
    part. Raises UnsupportedMediaType, MalformedRequest, InvalidRequest, BodyTooLarge, SlowBody, MalformedPolicy and
    what the readers raise.
    """
    reader = MultipartReader(boundary_of(request.headers.get("content-type")))
    assembly = _Assembly(Form(file), readers, file_part)
    async for chunk in request.stream():
        for event in reader.feed(chunk):
            await assembly.take(event)
    reader.check_complete()
    await file.flush()
    assembly.check_complete(required)
    return assembly.form


class _Assembly:
    """Parts, as their events come."""

    def __init__(self, form: Form, readers: Mapping[str, Callable[[bytes], object]], file_part: str) -> None:
        self.form = form
        self._file_part = file_part
        self._readers = readers
        self._seen: set[str] = set()
        self._part = ""
        self._text = bytearray()

    async def take(self, event: PartEvent) -> None:
        if isinstance(event, PartBegan):
            self._begin(event)
        elif isinstance(event, PartData) and self._part == self._file_part:
            await self.form.file.write(event.data)
        elif isinstance(event, PartData):
            self._extend(event.data)
        elif isinstance(event, PartEnded) and self._part != self._file_part:
            self.form.values[self._part] = self._readers[self._part](bytes(self._text))

    def check_complete(self, required: frozenset[str]) -> None:
        missing = sorted((required | {self._file_part}) - self._seen)
        if missing:
            raise InvalidRequest(f"The form needs the parts {', '.join(missing)} too; {self._rule}")
        if not self.form.file.size and self._file_part == POLICY_PART:
            raise MalformedPolicy("A policy file must hold something, got 0 bytes; check the path that was sent.")

    @property
    def _rule(self) -> str:
        return f"it takes {', '.join((self._file_part, *self._readers))}, each once."

    def _begin(self, part: PartBegan) -> None:
        if part.name != self._file_part and part.name not in self._readers:
            raise InvalidRequest(f"The form has no part {part.name[:_MAX_QUOTED]!r}; {self._rule}")
        if part.name in self._seen:
            raise InvalidRequest(f"The part {part.name!r} came twice; {self._rule}")
        self._seen.add(part.name)
        self._part, self._text = part.name, bytearray()
        if part.name == self._file_part:
            self.form.filename = part.filename[:MAX_FILENAME] if part.filename else None

    def _extend(self, data: bytearray) -> None:
        self._text += data
        if len(self._text) > MAX_TEXT:
            raise BodyTooLarge(f"The part {self._part!r} may hold at most {MAX_TEXT:,} bytes, got more; shorten it.")
