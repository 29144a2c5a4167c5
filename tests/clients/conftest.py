"""What the tests of the clients share."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.clients import fakes


@pytest.fixture(params=[fakes.call, fakes.call_async], ids=["sync", "async"])
def call(request: pytest.FixtureRequest) -> Callable[..., Any]:
    caller: Callable[..., Any] = request.param
    return caller
