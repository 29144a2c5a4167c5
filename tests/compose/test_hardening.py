"""What a running container can and cannot do."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.compose.engine import Compose, inspect
from tests.processes import wait_until

pytestmark = [pytest.mark.compose, pytest.mark.timeout(1800)]

PROGRAMS = ("service", "validator", "worker", "reconciler", "trainer")
SERVICES = (*PROGRAMS, "redis")
ENGINE = ("validator", "worker", "trainer")
CONFINED = ("redis", "validator", "worker", "trainer")
WELL_S = 90.0
SERVICE_BYTES = 250 * 10**6
"""What the service's image may add to its base."""

PACKAGES = """
import importlib.metadata, json
print(json.dumps({found.name: found.version for found in importlib.metadata.distributions()}))
"""
CONFINEMENT = """
import errno, json, os, socket
from worker.sandbox import run_limited

def outcome(action):
    try:
        action()
    except OSError as error:
        return errno.errorcode[error.errno]

def ask():
    return json.dumps({
        "socket": outcome(lambda: socket.socket()),
        "program": outcome(lambda: os.execv("/bin/true", ["true"])),
        "file": outcome(lambda: os.write(os.open("mark", os.O_CREAT | os.O_WRONLY), b"x")),
        "variables": len(os.environ),
    }).encode()

print(run_limited(ask).decode())
"""


def status(compose: Compose, service: str) -> Mapping[str, str]:
    lines = compose.execute(service, "cat", "/proc/1/status").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def packages(compose: Compose, service: str) -> dict[str, str]:
    found: dict[str, str] = json.loads(compose.execute(service, "python", "-c", PACKAGES))
    return found


@pytest.mark.parametrize("service", SERVICES)
def test_it_becomes_well(compose: Compose, service: str) -> None:
    def is_well() -> bool:
        return bool(compose.container(service)["State"]["Health"]["Status"] == "healthy")

    wait_until(is_well, within_s=WELL_S, what=f"{service} healthy")


@pytest.mark.parametrize("service", SERVICES)
def test_it_has_no_privilege_and_can_gain_none(compose: Compose, service: str) -> None:
    said = status(compose, service)
    assert "0" not in said["Uid"].split()
    assert "0" not in said["Gid"].split()
    assert {said[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert (said["NoNewPrivs"], said["Seccomp"]) == ("1", "2")


@pytest.mark.parametrize("service", SERVICES)
def test_it_can_write_only_where_it_must(compose: Compose, service: str) -> None:
    writable = set()
    for line in compose.execute(service, "cat", "/proc/mounts").splitlines():
        _, folder, kind, options, *_ = line.split()
        if "rw" in options.split(",") and kind not in {"proc", "sysfs", "cgroup", "cgroup2", "devpts", "mqueue"}:
            writable.add(folder)
    # The engine gives every container its devices and three files about its network.
    given = {"/dev", "/dev/shm", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/sys/fs/cgroup"}
    own = {"/data", "/var/lib/saddlepoint-redis"} if service == "redis" else {"/data"}
    assert {folder for folder in writable - given if not folder.startswith("/proc/")} == {"/tmp", *own}


@pytest.mark.parametrize("service", CONFINED)
def test_what_opens_strangers_files_is_on_a_network_without_a_way_out(compose: Compose, service: str) -> None:
    (network,) = compose.container(service)["NetworkSettings"]["Networks"]
    assert inspect("network", network)["Internal"] is True


def test_the_validators_child_has_no_network_no_programs_and_no_files(compose: Compose) -> None:
    """Namespaces are forbidden here, so this is the filter of system calls."""
    said: dict[str, Any] = json.loads(compose.execute("validator", "python", "-c", CONFINEMENT))
    assert said == {"socket": "EPERM", "program": "EPERM", "file": "EPERM", "variables": 0}


@pytest.mark.parametrize("service", ENGINE)
def test_the_cpu_images_hold_no_cuda(compose: Compose, service: str) -> None:
    found = packages(compose, service)
    assert [name for name in found if name.startswith(("nvidia", "cuda", "triton"))] == []
    assert found["torch"] == "2.13.0+cpu"


def test_the_service_image_holds_no_engine(compose: Compose) -> None:
    assert not {"torch", "numpy", "onnx", "onnxruntime"} & set(packages(compose, "service"))


def test_the_service_image_is_small(compose: Compose) -> None:
    del compose  # which built it
    added = inspect("image", "saddlepoint-service")["Size"] - inspect("image", "python:3.11-slim")["Size"]
    assert added <= SERVICE_BYTES


@pytest.mark.parametrize("service", SERVICES)
def test_it_stops_in_time_when_it_is_told_to(compose: Compose, service: str) -> None:
    """Last, because it is then stopped; 137 would be a kill after the grace."""
    compose.run("stop", service)
    state = compose.container(service)["State"]
    assert state["ExitCode"] in (0, 143)
    assert state["OOMKilled"] is False
    compose.run("start", service)
