"""What a machine must offer to a stack."""

import socket
from pathlib import Path

import pytest

from clients import premises
from saddlepoint.errors import InvalidRequest


def test_a_taken_port_is_named() -> None:
    with socket.socket() as other:
        other.bind((premises.HOST, 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(InvalidRequest, match=f"Port {port} of 127.0.0.1 is in use"):
            premises.free_port(port)


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_is_none_is_named(port: int) -> None:
    with pytest.raises(InvalidRequest, match=f"between 0 and 65535, got {port}"):
        premises.free_port(port)


def test_port_0_is_any_free_one() -> None:
    assert premises.free_port(0) > 0


def test_a_data_folder_serves_one_stack_at_a_time(tmp_path: Path) -> None:
    with (
        premises.locked(tmp_path / "data"),
        pytest.raises(InvalidRequest, match="is in use"),
        premises.locked(tmp_path / "data"),
    ):
        pass
    with premises.locked(tmp_path / "data") as folder:
        assert folder == tmp_path / "data"


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InvalidRequest, match="must be writable"), premises.locked(tmp_path / "file" / "data"):
        pass


def test_the_socket_lies_in_a_short_private_folder_that_goes_away() -> None:
    with premises.socket_folder() as folder:
        assert len(str(folder / "valkey.sock")) < 100
        assert folder.stat().st_mode & 0o777 == 0o700
    assert not folder.exists()


def test_missing_packages_are_named_with_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(premises, "_MODULES", ("json", "no_such_package"))
    with pytest.raises(InvalidRequest, match=r"\(no_such_package\): pip install 'saddlepoint\[local\]'"):
        premises.check_installed()
