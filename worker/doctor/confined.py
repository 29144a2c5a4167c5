"""Whether the child that reads uploads is shut in: it is started as for an upload, and tries to get out."""

import errno
import socket

from saddlepoint.errors import SaddlepointError
from saddlepoint.schemas.checkups import Finding, judged
from worker.sandbox import run_limited

_HELD = {"EPERM": "system calls are filtered", "ENETUNREACH": "it has a network of its own, without a way out"}


def confinement() -> Finding:
    """What became of a connection that the child tried to make."""
    try:
        outcome = run_limited(connect_out).decode()
    except SaddlepointError as error:
        outcome = f"no confined child could be started: {error.message}"
    return judged(
        "confinement",
        _HELD.get(outcome, outcome),
        fails=outcome not in _HELD,
        remedy="The validator refuses to work here: allow seccomp filters or user namespaces (in a container: its "
        "security options), on x86_64 or aarch64.",
    )


def connect_out() -> bytes:
    """How connecting to this host's own loopback fails, as the name of the error; `connected` where it does not."""
    try:
        with socket.socket() as way_out:
            way_out.connect(("127.0.0.1", 9))
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, "unknown").encode()
    return b"connected"
