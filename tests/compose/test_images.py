"""What the Dockerfiles promise, checked without an engine."""

import fnmatch
import json
import os
import re
import subprocess
import time
from pathlib import Path

import pytest

from tests.compose.dockerfiles import DOCKERFILES, inherited, stages, words
from tests.compose.engine import ROOT
from tests.test_packaging import project

IMAGES = {
    "redis": ("redis.Dockerfile", "redis"),
    "service": ("service.Dockerfile", "service"),
    "worker": ("engine.Dockerfile", "worker"),
    "trainer": ("engine.Dockerfile", "trainer"),
    "storage": ("storage.Dockerfile", "storage"),
}
PYTHON = sorted(set(IMAGES) - {"redis"})


def image(name: str) -> list[tuple[str, str]]:
    file, target = IMAGES[name]
    return list(inherited(ROOT / "docker" / file, target).instructions)


def last(name: str, word: str) -> str:
    return [rest for found, rest in image(name) if found == word][-1]


def test_every_dockerfile_is_looked_at() -> None:
    assert {file for file, _ in IMAGES.values()} == {path.name for path in DOCKERFILES}


@pytest.mark.parametrize("name", sorted(IMAGES))
def test_an_image_does_not_run_as_root(name: str) -> None:
    # By number, so that an orchestrator that asks for somebody else than root can tell.
    assert last(name, "USER") == ("redis" if name == "redis" else "10001:10001")


@pytest.mark.parametrize("name", sorted(IMAGES))
def test_signals_reach_the_program_and_no_shell(name: str) -> None:
    assert words(last(name, "ENTRYPOINT"))
    assert last(name, "STOPSIGNAL") == "SIGTERM"


@pytest.mark.parametrize("name", sorted(IMAGES))
def test_an_image_knows_whether_it_is_well(name: str) -> None:
    options, _, command = last(name, "HEALTHCHECK").partition(" CMD ")
    assert words(command)
    assert re.findall(r"--(\w[\w-]*)=", options) == ["interval", "timeout", "start-period", "retries"]


@pytest.mark.parametrize("name", ["worker", "trainer"])
@pytest.mark.parametrize(("age_s", "is_well"), [(0, True), (60, True), (300, False), (None, False)])
def test_a_program_that_no_longer_goes_round_is_not_well(
    name: str, age_s: int | None, is_well: bool, tmp_path: Path
) -> None:
    pulse = tmp_path / "pulse"
    if age_s is not None:
        pulse.touch()
        os.utime(pulse, (time.time() - age_s,) * 2)
    assert "SADDLEPOINT_PULSE_FILE=/tmp/pulse" in last(name, "ENV")
    command = words(last(name, "HEALTHCHECK").partition(" CMD ")[2].replace("/tmp/pulse", str(pulse)))
    assert (subprocess.run(command, capture_output=True, timeout=10).returncode == 0) is is_well


@pytest.mark.parametrize("name", sorted(IMAGES))
def test_an_image_says_what_it_is(name: str) -> None:
    labels = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]*)"', " ".join(map(str, image(name)))))
    assert set(labels) == {"title", "description", "version", "revision"}
    assert labels["title"] == f"saddlepoint-{name}"
    assert labels["version"] == project()["version"]
    assert labels["revision"] == "${REVISION}"


@pytest.mark.parametrize("name", PYTHON)
def test_what_builds_an_image_is_not_in_it(name: str) -> None:
    assert not [rest for word, rest in image(name) if word == "RUN" and "pip " in rest]
    copied = [rest for word, rest in image(name) if word == "COPY" and "--from=" in rest]
    assert any(rest.endswith(" /opt/venv /opt/venv") for rest in copied)


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_nothing_is_installed_but_what_a_lock_pins_and_ourselves(path: Path) -> None:
    runs = [rest for stage in stages(path).values() for rest in stage.all("RUN") if "pip " in rest]
    for rest in runs:
        for command in re.findall(r"pip .*?install [^&]*", rest):
            assert re.search(r"--require-hashes --requirement \w+\.lock$", command.strip()) or (
                {"--no-deps", "--no-build-isolation"} <= set(command.split()) and command.strip().endswith(" .")
            )


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_the_base_may_be_pinned_from_outside(path: Path) -> None:
    known = stages(path)
    assert {stage.base for stage in known.values()} - set(known) == {"${BASE}"}
    assert re.search(r"^ARG BASE=\S+:\S+$", path.read_text(encoding="utf-8"), re.M)


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_all_that_is_copied_is_in_the_context(path: Path) -> None:
    for stage in stages(path).values():
        for rest in stage.all("COPY"):
            if "--from=" not in rest:
                for source in rest.split()[:-1]:
                    assert in_context(source.replace("${VARIANT}", "cpu")), source


@pytest.mark.parametrize("name", ["tests", ".git", ".venv", "data", "clients", "docker/compose.gpu.yml", "Makefile"])
def test_what_no_image_needs_is_not_sent_to_the_engine(name: str) -> None:
    assert not in_context(name)


def in_context(name: str) -> bool:
    """By .dockerignore: the last line that matches a path, or a folder it is in, decides."""
    sent = True
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        pattern = line.lstrip("!")
        if any(fnmatch.fnmatchcase(part, pattern) for part in (name, *map(str, Path(name).parents))):
            sent = line.startswith("!")
    return sent


def test_an_instruction_for_a_shell_is_told_from_one_that_is_not() -> None:
    with pytest.raises(json.JSONDecodeError):
        words("python -m service")
