"""What the tests of the clients share."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from clients import AttackClient
from tests.clients import fakes
from tests.clients.fakes import Answer, Service, Use


@pytest.fixture(params=[fakes.call, fakes.call_async], ids=["sync", "async"])
def call(request: pytest.FixtureRequest) -> Callable[..., Any]:
    caller: Callable[..., Any] = request.param
    return caller


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Use:
    """Makes the commands talk to a service that gives these answers."""

    def script(*answers: Answer) -> Service:
        service = Service(*answers)

        def connect(url: str | None, api_key: str | None) -> AttackClient:
            return AttackClient(fakes.URL, retries=fakes.IMPATIENT, transport=httpx.MockTransport(service))

        monkeypatch.setattr("clients.commands.connect", connect)
        return service

    return script
