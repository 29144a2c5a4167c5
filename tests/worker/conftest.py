"""A store, a queue and a policy for the worker's tests."""

from pathlib import Path

import pytest

from tests.worker.world import make_context, put_policy
from worker.context import Context


@pytest.fixture
def context(tmp_path: Path, redis_url: str) -> Context:
    made = make_context(tmp_path / "store", redis_url)
    put_policy(made)
    return made
