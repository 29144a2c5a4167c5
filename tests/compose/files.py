"""What the compose files say, read without an engine."""

from typing import Any

import yaml

from tests.compose.engine import ROOT

STACK = ROOT / "docker-compose.yml"
GPU = ROOT / "docker" / "compose.gpu.yml"
S3 = ROOT / "docker" / "compose.s3.yml"


def read(path: object) -> dict[str, Any]:
    """A compose file with its anchors resolved and its variables as they stand."""
    with open(str(path), encoding="utf-8") as file:
        parsed: dict[str, Any] = yaml.safe_load(file)
    return parsed


def services(path: object) -> dict[str, dict[str, Any]]:
    """The services of a compose file by name."""
    found: dict[str, dict[str, Any]] = read(path)["services"]
    return found
