"""What the tests of environments share."""

from collections.abc import Iterator

import gymnasium
import pytest


@pytest.fixture
def counter() -> Iterator[str]:
    """The id of the toy environment, registered for one test."""
    gymnasium.register("Counter-v0", entry_point="tests.envs.toys:Counter", max_episode_steps=10)
    yield "Counter-v0"
    del gymnasium.registry["Counter-v0"]
