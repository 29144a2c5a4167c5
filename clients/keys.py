"""`saddlepoint keys`: API keys of a store on this machine, or of one that SADDLEPOINT_STORE_URL names."""

import os
import subprocess
import sys
from argparse import Namespace
from importlib.util import find_spec

from clients.console import Console
from saddlepoint.errors import InvalidRequest

_STORE = "SADDLEPOINT_STORE_URL"


def keys(options: Namespace, console: Console) -> None:
    """Run `python -m service.keys`, as `up` runs the service: the client itself knows no store."""
    if find_spec("obstore") is None:
        raise InvalidRequest("Keys are made where the store is; install saddlepoint[service] there.")
    command = [sys.executable, "-m", "service.keys", options.verb, *_arguments(options)]
    environment = {_STORE: str(options.data / "store"), **os.environ}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise InvalidRequest(done.stderr.strip().removeprefix("saddlepoint: "))
    if done.stdout:
        console.show(done.stdout.rstrip("\n"))
    if done.stderr:
        console.say(done.stderr.rstrip("\n"))


def _arguments(options: Namespace) -> list[str]:
    given = {name: getattr(options, name, None) for name in ("tenant", "scopes", "name")}
    named = [f"--{name}={value}" for name, value in given.items() if value is not None]
    return [*named, *([options.id] if options.verb == "revoke" else [])]
