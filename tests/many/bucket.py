"""The server of docker/storage.py on this machine, or in a namespace of its network."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

import httpx

from clients.premises import free_port
from tests.processes import REPOSITORY, kill_all, wait_until

URL = "s3://saddlepoint/artifacts"
_RUN = "import runpy, sys; sys.setswitchinterval(1e-6); runpy.run_path('docker/storage.py', run_name='__main__')"
"""Threads take turns so often that what is not atomic shows."""


@contextmanager
def running_bucket(
    host: str = "127.0.0.1", port: int | None = None, inside: Sequence[str] = ()
) -> Iterator[dict[str, str]]:
    """The environment of who uses an empty bucket; `inside` is a command in front of the server's."""
    port = port or free_port(0)
    command = [*inside, sys.executable, "-W", "ignore", "-c", _RUN, host, str(port)]
    server = subprocess.Popen(
        command, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        endpoint = f"http://{host}:{port}"
        wait_until(lambda: _has_bucket(endpoint), within_s=60, what="the start of the bucket's server")
        yield environment_of(endpoint)
    finally:
        kill_all(server)


def environment_of(endpoint: str) -> dict[str, str]:
    """The standard variables that say where a bucket is and as whom to come."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "tests",
        "AWS_SECRET_ACCESS_KEY": "tests",
    }


def _has_bucket(endpoint: str) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(f"{endpoint}/saddlepoint", timeout=2.0, trust_env=False).is_success
    return False


@contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set variables of this process for a while."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
