"""The stack in containers, built from this tree and gone with its volumes afterwards."""

import sys
import time
from collections.abc import Iterator

import httpx
import pytest

from clients import AttackClient
from tests.compose.engine import Compose, find_compose, free_port

READY_S = 120.0


@pytest.fixture(scope="session")
def compose() -> Iterator[Compose]:
    words = find_compose()
    if words is None:
        pytest.fail("The containers can be tested only where `docker info` works and docker compose is installed.")
    compose = Compose(words, free_port())
    compose.run("build", timeout_s=1500)
    try:
        compose.run("up", "--detach")
        await_ready(compose)
        yield compose
    finally:
        sys.stdout.write(compose.run("logs", "--no-color", "--tail", "40"))
        compose.run("down", "--volumes")


@pytest.fixture(scope="session")
def client(compose: Compose) -> Iterator[AttackClient]:
    with AttackClient(compose.url) as connected:
        yield connected


def await_ready(compose: Compose) -> None:
    """Return once the service says that it is ready."""
    deadline = time.monotonic() + READY_S
    while not _is_ready(compose.url):
        assert time.monotonic() < deadline, f"not ready within {READY_S:g} s"
        time.sleep(0.5)


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", trust_env=False).is_success
    except httpx.TransportError:
        return False
