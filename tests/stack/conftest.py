"""A whole stack on this machine for the tests of this folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from clients import AttackClient
from clients.background import RunningStack, running_stack
from tests.stack.policies import balancing_cartpole, random_boxer
from tests.stack.processes import members, still_there


@pytest.fixture(scope="session")
def policies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("policies")
    return {
        "CartPole-v1": balancing_cartpole(folder / "cartpole.onnx"),
        "BoxingNoFrameskip-v4": random_boxer(folder / "boxing.safetensors"),
    }


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """Two evaluators; when the session ends, it is told to end and must leave no process behind."""
    with running_stack(tmp_path_factory.mktemp("two-workers"), workers=2) as running:
        yield running
        processes = members(running)
    assert still_there(processes) == []


@pytest.fixture(scope="session")
def client(stack: RunningStack) -> Iterator[AttackClient]:
    with AttackClient(stack.url) as connected:
        yield connected
