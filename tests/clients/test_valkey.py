"""The Valkey of a stack on one machine."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import redis

from clients.children import ChildSpec
from clients.premises import socket_folder, valkey_command
from clients.supervisor import Supervisor
from tests.clients.dummies import until


@pytest.fixture
def socket() -> Iterator[Path]:
    with socket_folder() as folder:
        yield folder / "valkey.sock"


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def test_it_keeps_what_it_was_given_over_a_kill_and_listens_on_its_socket_only(tmp_path: Path, socket: Path) -> None:
    spec = ChildSpec("valkey", valkey_command(tmp_path / "a folder, with blanks" / "valkey", socket), stage=0)
    with (
        Supervisor([spec], tmp_path, say=lambda text: None) as supervisor,
        redis.Redis(unix_socket_path=str(socket)) as client,
    ):
        supervisor.start()
        assert until(lambda: _answers(client))
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        client.set("kept", "yes")
        client.execute_command("WAITAOF", 1, 0, 5000)
        (child,) = supervisor.children
        assert child.pid is not None
        assert psutil.Process(child.pid).net_connections("tcp") == []
        os.kill(child.pid, signal.SIGKILL)

        def is_back() -> bool:
            supervisor.tend()
            return _answers(client)

        assert until(lambda: not child.is_alive)
        assert until(is_back)
        assert client.get("kept") == b"yes"
