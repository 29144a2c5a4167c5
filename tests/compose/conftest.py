"""The stack in containers, built from this tree and gone with its volumes afterwards."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from clients import AttackClient
from tests.compose.engine import Compose, find_compose, free_port
from tests.processes import wait_until

READY_S = 120.0
BUILD_S = 1500.0


@pytest.fixture(scope="session")
def words() -> tuple[str, ...]:
    """How compose is called here."""
    words = find_compose()
    if words is None:
        pytest.fail("The containers can be tested only where `docker info` works and docker compose is installed.")
    return words


@pytest.fixture(scope="session")
def images(words: tuple[str, ...]) -> tuple[str, ...]:
    """The same, once the images are built."""
    Compose(words, "saddlepoint-test", 0).run("build", timeout_s=BUILD_S)
    return words


@pytest.fixture(scope="session")
def compose(images: tuple[str, ...]) -> Iterator[Compose]:
    with running(Compose(images, "saddlepoint-test", free_port())) as compose:
        yield compose


@pytest.fixture(scope="session")
def client(compose: Compose) -> Iterator[AttackClient]:
    with AttackClient(compose.url) as connected:
        yield connected


@contextmanager
def running(compose: Compose, *profile: str) -> Iterator[Compose]:
    """The stack, ready; down with its volumes at the end, after the last of what it said."""
    try:
        compose.run(*profile, "up", "--detach")
        await_ready(compose)
        yield compose
    finally:
        sys.stdout.write(compose.run("logs", "--no-color", "--tail", "40"))
        compose.run(*profile, "down", "--volumes", "--remove-orphans")


def await_ready(compose: Compose) -> None:
    """Return once the service says that it is ready."""
    wait_until(lambda: _is_ready(compose.url), within_s=READY_S, what="the service ready")


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", trust_env=False).is_success
    except httpx.TransportError:
        return False
