"""What the container files say, checked without an engine."""

import re

import pytest

from saddlepoint.settings import PREFIX, Settings
from tests.compose.engine import ROOT
from tests.test_packaging import extras

DOCKERFILES = sorted((ROOT / "docker").glob("*.Dockerfile"))
COMPOSE = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")


def test_every_variable_is_a_setting() -> None:
    names = {name.lower() for name in re.findall(rf"^ *(?:# )?{PREFIX}(\w+):", COMPOSE, re.M)}
    assert "trust_network" in names
    assert names <= set(Settings.model_fields)


def test_ports_are_published_on_loopback_only() -> None:
    published = re.findall(r"^ *ports: (.*)$", COMPOSE, re.M)
    assert published == ['["127.0.0.1:${SADDLEPOINT_PORT:-8000}:8000"]']


def test_queued_jobs_survive_redis_and_none_is_evicted() -> None:
    assert "--appendonly yes --maxmemory-policy noeviction" in COMPOSE


def test_every_image_has_a_service_and_every_service_an_image() -> None:
    assert set(re.findall(r"dockerfile: (\S+)", COMPOSE)) == {f"docker/{path.name}" for path in DOCKERFILES}


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_an_image_installs_its_own_extra_and_drops_root(path: object) -> None:
    name = str(path).rpartition("/")[2].removesuffix(".Dockerfile")
    text = (ROOT / "docker" / f"{name}.Dockerfile").read_text(encoding="utf-8")
    (installed,) = re.findall(r"pip install '\.\[([\w,]+)\]'", text)
    assert installed.split(",")[0] == name
    assert set(installed.split(",")) <= set(extras())
    assert "\nUSER saddlepoint\n" in text
