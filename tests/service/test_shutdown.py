"""A service that is told to end: what can be finished is, what cannot is cut within a bound, and nothing is left."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from clients.premises import free_port
from saddlepoint.schemas.policies import PolicyHints, UploadRequest
from saddlepoint.settings import Settings
from saddlepoint.store.local import LocalStore
from service.__main__ import _SHUTDOWN_S
from service.spool import spool_folder
from tests.processes import running, wait_until
from tests.service.bench import BOXING
from tests.service.doubles import Workers, put_policy
from tests.service.live import RawClient

FORM = "multipart/form-data; boundary=X"
HEAD = b'--X\r\nContent-Disposition: form-data; name="policy"; filename="p"\r\n\r\n'
END = b"\r\n--X--\r\n"
MARGIN_S = 10.0
"""For a machine that is busy."""


@dataclass(frozen=True)
class Ending:
    """A service of its own process, that waits a second for a verdict which nobody gives."""

    url: str
    process: subprocess.Popen[bytes]
    policy_id: str
    spool: Path


@pytest.fixture
def ending(tmp_path: Path, redis_url: str) -> Iterator[Ending]:
    store, port = LocalStore(tmp_path / "store"), free_port(0)
    put_policy(store, Workers(store).card(_request("there")))
    settings = {
        "SADDLEPOINT_STORE_URL": str(tmp_path / "store"),
        "SADDLEPOINT_REDIS_URL": redis_url,
        "SADDLEPOINT_PORT": str(port),
        "SADDLEPOINT_VERDICT_WAIT_S": "1",
    }
    with running("-m", "service", **settings) as process:
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: _is_there(url), within_s=60, what="the start of the service")
        yield Ending(url, process, "there", spool_folder(Settings.from_environment(settings)))


def test_an_upload_that_ends_in_time_is_answered_and_streams_are_cut(ending: Ending) -> None:
    with RawClient(ending.url) as stream, RawClient(ending.url) as upload:
        _follow(ending, stream)
        _begin(upload)
        ending.process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        wait_until(lambda: not _is_there(ending.url), within_s=10, what="the end of new connections")
        upload.socket.sendall(END)
        assert b" 202 " in upload.answer().splitlines()[0]
        stream.answer()
        assert ending.process.wait(30) in (0, -signal.SIGTERM)
        assert time.monotonic() - began < _SHUTDOWN_S + MARGIN_S


def test_an_upload_that_does_not_end_is_cut(ending: Ending) -> None:
    with RawClient(ending.url) as upload:
        _begin(upload)
        wait_until(lambda: os.listdir(ending.spool), within_s=10, what="the beginning of the upload")
        ending.process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        ending.process.wait(30)
        assert _SHUTDOWN_S - 1 < time.monotonic() - began < _SHUTDOWN_S + MARGIN_S
        answer = upload.answer()
    assert b" 503 " in answer.splitlines()[0]
    assert b"retry-after: 5" in answer
    assert b'"code":"unavailable"' in answer
    assert os.listdir(ending.spool) == []


def _follow(ending: Ending, client: RawClient) -> None:
    """Read the first event of an evaluation that goes on."""
    job = httpx.post(f"{ending.url}/v1/evaluations", json={**BOXING, "policy_id": ending.policy_id}).json()
    client.head("GET", f"/v1/evaluations/{job['id']}/events")
    seen = b""
    while b"event: progress" not in seen:
        seen += client.socket.recv(65536)


def _begin(client: RawClient) -> None:
    """Send all of an upload but its end."""
    client.head("POST", "/v1/policies", Content_Type=FORM, Content_Length=len(HEAD) + 100 + len(END))
    client.socket.sendall(HEAD + bytes(100))


def _is_there(url: str) -> bool:
    try:
        return httpx.get(f"{url}/livez", trust_env=False).is_success
    except httpx.TransportError:
        return False


def _request(policy_id: str) -> UploadRequest:
    return UploadRequest(
        upload_id="upload",
        policy_id=policy_id,
        owner="default",
        sha256="0" * 64,
        size=1,
        filename=None,
        hints=PolicyHints(),
        created_at=datetime.now(UTC),
    )
