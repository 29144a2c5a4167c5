"""What the tests of the trainer share."""

from collections.abc import Iterator

import gymnasium
import pytest

from tests.trainer import steering


@pytest.fixture
def steering_id() -> Iterator[str]:
    """The id of the toy with actions of numbers, registered for one test."""
    gymnasium.register(steering.ENV_ID, entry_point="tests.trainer.steering:Steering")
    yield steering.ENV_ID
    del gymnasium.registry[steering.ENV_ID]
