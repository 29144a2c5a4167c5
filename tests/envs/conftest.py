"""What the tests of environments share."""

from collections.abc import Iterator
from importlib.util import find_spec

import gymnasium
import pytest

needs_box2d = pytest.mark.skipif(find_spec("Box2D") is None, reason="Box2D has no wheel for this machine")


@pytest.fixture
def counter() -> Iterator[str]:
    """The id of the toy environment, registered for one test."""
    gymnasium.register("Counter-v0", entry_point="tests.envs.toys:Counter", max_episode_steps=10)
    yield "Counter-v0"
    del gymnasium.registry["Counter-v0"]


@pytest.fixture
def echo() -> Iterator[str]:
    """The id of the toy environment with Box actions."""
    gymnasium.register("Echo-v0", entry_point="tests.envs.toys:Echo", max_episode_steps=10)
    yield "Echo-v0"
    del gymnasium.registry["Echo-v0"]
