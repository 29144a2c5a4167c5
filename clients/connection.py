"""Where the service is and how it is addressed: what both clients make of their arguments."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any

import httpx

from clients.files import PolicyFile
from clients.wire import Call, Listen
from saddlepoint import __version__
from saddlepoint.errors import InvalidRequest

DEFAULT_URL = "http://127.0.0.1:8000"
CONNECT_S = 10.0
WRITE_S = 60.0


@dataclass(frozen=True)
class Connection:
    """A service by URL, with the key that it wants."""

    url: str
    api_key: str | None = None

    @classmethod
    def of(cls, url: str | None, api_key: str | None, environment: Mapping[str, str] = os.environ) -> "Connection":
        """What is given, else what the environment names, else the local service. Raises InvalidRequest."""
        url = url or environment.get("SADDLEPOINT_URL") or DEFAULT_URL
        try:
            parsed = httpx.URL(url)
        except httpx.InvalidURL as error:
            raise InvalidRequest(_bad_url(url)) from error
        if parsed.scheme not in ("http", "https") or not parsed.host:
            raise InvalidRequest(_bad_url(url))
        return cls(url.rstrip("/"), api_key or environment.get("SADDLEPOINT_API_KEY") or None)

    def options(self) -> dict[str, Any]:
        """Keyword arguments of httpx's clients. A service on this machine is never asked for through a proxy."""
        loopback = httpx.URL(self.url).host in ("127.0.0.1", "localhost", "::1")
        headers = {"User-Agent": f"saddlepoint/{__version__}", "Accept": "application/json"}
        if self.api_key:
            headers["Authorization"] = f"Bearer {self.api_key}"
        return {"base_url": self.url, "headers": headers, "trust_env": not loopback, "follow_redirects": False}


def timeout(silence_s: float) -> httpx.Timeout:
    """The time limits of one request whose answer may let `silence_s` pass between two reads."""
    return httpx.Timeout(silence_s, connect=CONNECT_S, write=WRITE_S, pool=CONNECT_S)


def request_options(call: Call) -> dict[str, Any]:
    """Keyword arguments of httpx's `request`, all but the file."""
    options: dict[str, Any] = {
        "method": call.method,
        "url": call.path,
        "params": call.params or None,
        "headers": call.headers,
        "timeout": timeout(call.answer_s),
    }
    if call.json is not None:
        options["json"] = call.json
    if call.form:
        options["data"] = dict(call.form)
    if call.observations is not None:
        options["files"] = {"observations": ("observations.npy", call.observations, "application/octet-stream")}
    return options


def stream_options(listen: Listen) -> dict[str, Any]:
    """Keyword arguments of httpx's `stream`."""
    return {"method": "GET", "url": listen.path, "headers": listen.headers, "timeout": timeout(listen.silence_s)}


def policy_part(policy: PolicyFile, stream: IO[bytes]) -> dict[str, Any]:
    """The multipart file of an upload, read from `stream` in pieces as it is sent."""
    return {"policy": (policy.filename, stream, "application/octet-stream")}


def is_event_stream(response: httpx.Response) -> bool:
    return response.is_success and response.headers.get("content-type", "").startswith("text/event-stream")


def _bad_url(url: str) -> str:
    return f"A service's URL looks like {DEFAULT_URL}; got {url!r}."
