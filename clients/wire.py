"""What a client says and hears, as values: the operations yield these steps and a driver performs them.

An operation is a generator (`Flow`). It yields a `Call`, a `Listen` or a `Pause`, and is sent the response, or has
the transport's exception thrown into it. It does no input or output itself, so the synchronous and the asynchronous
client share every operation and differ only in the few lines that perform a step.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from clients.files import PolicyFile
from saddlepoint.errors import SaddlepointError, UnexpectedAnswer
from saddlepoint.schemas.problems import Problem, error_of

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)

ANSWER_S = 60.0
"""How long an answer may take; an upload waits up to 20 s for the validator's verdict."""


@dataclass(frozen=True)
class Call:
    """One request whose answer is read whole."""

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    json: object = None
    form: Mapping[str, str] = field(default_factory=dict)
    policy: PolicyFile | None = None
    """Sent as the multipart file `policy`, streamed from disk and opened anew at every attempt."""
    observations: bytes | None = None
    """Sent as the multipart file `observations`."""
    answer_s: float = ANSWER_S


class LineReader(Protocol):
    """Takes the lines of a stream; `feed` returns True when it has heard enough."""

    def feed(self, line: str) -> bool: ...


@dataclass(frozen=True)
class Listen:
    """One request whose answer is a stream of lines, which go to `reader` as they come."""

    path: str
    reader: LineReader
    headers: Mapping[str, str] = field(default_factory=dict)
    silence_s: float = 45.0
    """The service sends a keep-alive every 15 s: longer silence than this is a dead connection."""


@dataclass(frozen=True)
class Pause:
    seconds: float


Step = Call | Listen | Pause
Flow = Generator[Step, httpx.Response | None, T]


def failure_of(response: httpx.Response) -> SaddlepointError | None:
    """The error that a response tells of, None for success."""
    if response.is_success:
        return None
    if response.headers.get("content-type", "").startswith("application/problem+json"):
        try:
            return error_of(Problem.model_validate_json(response.content, extra="ignore"))
        except ValidationError:
            pass
    return _unexpected(response, "is no answer of Saddlepoint")


def read(model: type[M], response: httpx.Response) -> M:
    """The body as `model`. Fields that this client does not know yet are left out. Raises UnexpectedAnswer."""
    try:
        return model.model_validate_json(response.content, extra="ignore")
    except (ValidationError, SaddlepointError) as error:
        raise _unexpected(response, f"could not be read as {model.__name__}") from error


def _unexpected(response: httpx.Response, what: str) -> UnexpectedAnswer:
    request = response.request
    return UnexpectedAnswer(
        f"{request.method} {request.url} was answered with status {response.status_code}, which {what}. "
        "Check that the URL is that of a Saddlepoint service and that client and service are of one version."
    )
