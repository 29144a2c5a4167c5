"""What every test of the service shares."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.service.bench import Bench, make_bench


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """A service without keys."""
    made = make_bench(tmp_path)
    async with made.api:
        yield made
