"""`saddlepoint up` before it starts anything, and what it would start."""

import socket
from pathlib import Path

import pytest

from clients.cli import main
from clients.premises import HOST, locked
from clients.up import stack


def test_a_taken_port_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        port = other.getsockname()[1]
        assert main(["up", "--data", str(tmp_path), "--port", str(port)]) == 2
    assert f"Port {port} of 127.0.0.1 is in use" in capsys.readouterr().err


def test_a_data_folder_in_use_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with locked(tmp_path):
        assert main(["up", "--data", str(tmp_path), "--port", "0"]) == 2
    assert f"{tmp_path} is in use" in capsys.readouterr().err


def test_a_stack_has_one_valkey_below_and_one_queue_a_worker_above(tmp_path: Path) -> None:
    specs = stack(tmp_path, Path("/tmp/x/valkey.sock"), 8123, workers=2)
    stages: dict[int, list[str]] = {}
    for spec in specs:
        stages.setdefault(spec.stage, []).append(spec.name)
    assert stages == {
        0: ["valkey"],
        1: ["service"],
        2: ["validator", "evaluator-1", "evaluator-2", "reconciler", "trainer"],
    }
    assert {spec.environment.get("SADDLEPOINT_REDIS_URL") for spec in specs[1:]} == {"unix:///tmp/x/valkey.sock"}
