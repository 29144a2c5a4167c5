"""The project's compose file on this machine's container engine, whichever compose there is."""

import os
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = "saddlepoint-test"


@dataclass(frozen=True)
class Compose:
    """Runs compose commands for one project of its own, published on `port`."""

    words: tuple[str, ...]
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def run(self, *arguments: str, timeout_s: float = 300.0) -> str:
        """The output of a command. Raises CalledProcessError, whose notes hold what the command said."""
        done = subprocess.run(
            [*self.words, "--project-name", PROJECT, *arguments],
            cwd=ROOT,
            env={**os.environ, "SADDLEPOINT_PORT": str(self.port)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )
        try:
            done.check_returncode()
        except subprocess.CalledProcessError as error:
            error.add_note(f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
            raise
        return done.stdout


def find_compose() -> tuple[str, ...] | None:
    """`docker compose` or `docker-compose` with a running engine, None where there is none."""
    if shutil.which("docker") is None or _fails("docker", "info"):
        return None
    if not _fails("docker", "compose", "version"):
        return ("docker", "compose")
    return ("docker-compose",) if shutil.which("docker-compose") else None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _fails(*words: str) -> bool:
    return subprocess.run(words, capture_output=True, timeout=60).returncode != 0
