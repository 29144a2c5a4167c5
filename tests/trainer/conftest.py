"""What the tests of the trainer share."""

from collections.abc import Iterator
from pathlib import Path

import gymnasium
import pytest

from saddlepoint.queue import JobQueue
from saddlepoint.store import Store, open_store
from tests.trainer import pictures, steering


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "store"))


@pytest.fixture
def queue(redis_url: str) -> JobQueue:
    return JobQueue.open(redis_url)


@pytest.fixture
def steering_id() -> Iterator[str]:
    """The id of the toy with actions of numbers, registered for one test."""
    gymnasium.register(steering.ENV_ID, entry_point="tests.trainer.steering:Steering")
    yield steering.ENV_ID
    del gymnasium.registry[steering.ENV_ID]


@pytest.fixture
def pictures_id() -> Iterator[str]:
    """The id of the toy with pictures, registered for one test."""
    gymnasium.register(pictures.ENV_ID, entry_point="tests.trainer.pictures:Pictures")
    yield pictures.ENV_ID
    del gymnasium.registry[pictures.ENV_ID]
