"""The project's compose files on this machine's container engine, whichever compose there is."""

import json
import os
import shutil
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Compose:
    """Runs compose commands for one project of its own, published on `port`."""

    words: tuple[str, ...]
    project: str
    port: int
    files: tuple[str, ...] = ("docker-compose.yml",)
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def run(self, *arguments: str, timeout_s: float = 300.0) -> str:
        """The output of a command. Raises CalledProcessError, whose notes hold what the command said."""
        files = [word for file in self.files for word in ("--file", file)]
        names = {"SADDLEPOINT_PORT": str(self.port)} | self.environment
        # Relative paths in every file are those of the first one's folder.
        return _run(*self.words, *files, "--project-name", self.project, *arguments, names=names, timeout_s=timeout_s)

    def execute(self, service: str, *words: str) -> str:
        """What a command says inside of a service's container."""
        return self.run("exec", "-T", service, *words)

    def containers(self, service: str) -> list[dict[str, Any]]:
        """What the engine knows of a service's containers, running or not."""
        return [inspect("container", name) for name in self.run("ps", "--all", "--quiet", service).split()]

    def container(self, service: str) -> dict[str, Any]:
        """The same of a service with one container."""
        (found,) = self.containers(service)
        return found

    def crash(self, service: str) -> None:
        """Kill everything in a container from inside, as a crash would: the engine was not asked to end it."""
        self.run("exec", "-T", service, "sh", "-c", "kill -9 -1 || true")


def inspect(kind: str, name: str) -> dict[str, Any]:
    """What the engine knows of an image, a network or a container."""
    (found,) = json.loads(_run("docker", kind, "inspect", name))
    known: dict[str, Any] = found
    return known


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


def _run(*words: str, names: dict[str, str] | None = None, timeout_s: float = 60.0) -> str:
    done = subprocess.run(
        words,
        cwd=ROOT,
        env=os.environ | (names or {}),
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


def _fails(*words: str) -> bool:
    return subprocess.run(words, capture_output=True, timeout=60).returncode != 0
