"""What the compose files promise, checked without an engine."""

import re
from typing import Any

import pytest

from saddlepoint.settings import PREFIX, Settings
from tests.compose.dockerfiles import DOCKERFILES, stages
from tests.compose.engine import ROOT
from tests.compose.files import GPU, S3, STACK, read, services

STACK_SERVICES = services(STACK)
RUN = {**STACK_SERVICES, "storage": services(S3)["storage"]}
PROGRAMS = set(STACK_SERVICES) - {"redis"}


def settings_in(service: dict[str, Any]) -> set[str]:
    names = (str(name) for name in service.get("environment", {}))
    return {name.removeprefix(PREFIX).lower() for name in names if name.startswith(PREFIX)}


def bytes_of(size: str) -> int:
    number, unit = re.fullmatch(r"(\d+)([kmg])b?", size).groups()  # type: ignore[union-attr]
    return int(number) << {"k": 10, "m": 20, "g": 30}[unit]


def test_the_stack_is_six_programs_and_redis() -> None:
    assert set(STACK_SERVICES) == {"redis", "service", "validator", "worker", "reconciler", "trainer"}


@pytest.mark.parametrize("name", sorted(RUN))
def test_a_container_can_do_no_more_than_it_must(name: str) -> None:
    service = RUN[name]
    assert (service["read_only"], service["init"], service["cap_drop"]) == (True, True, ["ALL"])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["pids_limit"] <= 512
    assert not {"privileged", "cap_add", "devices", "network_mode", "pid", "ipc", "user"} & set(service)
    assert all(volume.split(":")[0] in read(STACK)["volumes"] for volume in service.get("volumes", []))


@pytest.mark.parametrize("name", sorted(RUN))
def test_a_container_cannot_use_up_its_host(name: str) -> None:
    service = RUN[name]
    assert bytes_of(service["mem_limit"]) <= 4 << 30
    assert all(bytes_of(re.findall(r"size=(\w+)", mount)[0]) <= 64 << 20 for mount in service["tmpfs"])
    assert set(service["logging"]["options"]) == {"max-size", "max-file"}


@pytest.mark.parametrize("name", sorted(RUN))
def test_a_container_comes_back_and_has_time_to_stop(name: str) -> None:
    assert (RUN[name]["restart"], RUN[name]["stop_grace_period"]) == ("unless-stopped", "20s")


@pytest.mark.parametrize("path", [STACK, GPU, S3], ids=lambda path: path.name)
def test_every_variable_is_a_setting(path: object) -> None:
    for service in services(path).values():
        assert settings_in(service) <= set(Settings.model_fields)


def test_ports_are_published_on_loopback_only() -> None:
    published = [
        service["ports"] for path in (STACK, GPU, S3) for service in services(path).values() if "ports" in service
    ]
    assert published == [["127.0.0.1:${SADDLEPOINT_PORT:-8000}:8000"]]


def test_what_opens_strangers_files_has_no_way_out() -> None:
    assert read(STACK)["networks"] == {"inside": {"internal": True}, "outside": None}
    ways = {name: service["networks"] for name, service in STACK_SERVICES.items()}
    assert {name for name, networks in ways.items() if networks != ["inside"]} == {"service", "reconciler"}


@pytest.mark.parametrize("name", sorted(RUN))
def test_a_service_is_built_here_from_a_file_and_target_that_exist(name: str) -> None:
    build = RUN[name]["build"]
    path = ROOT / build["dockerfile"]
    assert path in DOCKERFILES
    assert "target" not in build or build["target"] in stages(path)
    assert {"BASE", "REVISION"} <= set(build["args"])


def test_every_dockerfile_is_of_use() -> None:
    assert {ROOT / service["build"]["dockerfile"] for service in RUN.values()} == set(DOCKERFILES)


def test_one_image_has_one_recipe() -> None:
    recipes = {str(service["build"]) for service in RUN.values()}
    assert len({service["image"] for service in RUN.values()}) == len(recipes)


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_a_program_waits_for_redis(name: str) -> None:
    assert STACK_SERVICES[name]["depends_on"] == {"redis": {"condition": "service_healthy"}}


def test_queued_jobs_survive_redis_and_none_is_evicted() -> None:
    lines = (ROOT / "docker" / "redis.conf").read_text(encoding="utf-8").splitlines()
    said = dict(line.split(maxsplit=1) for line in lines if not line.startswith("#"))
    assert (said["appendonly"], said["maxmemory-policy"]) == ("yes", "noeviction")
    assert 2 * bytes_of(said["maxmemory"]) < bytes_of(STACK_SERVICES["redis"]["mem_limit"])
    assert STACK_SERVICES["redis"]["volumes"] == [f"redis:{said['dir']}"]


def test_gpus_are_for_what_computes_and_bring_images_of_their_own() -> None:
    overrides = services(GPU)
    assert set(overrides) == {"worker", "trainer"}
    for name, service in overrides.items():
        assert service["build"]["args"] == {"VARIANT": "gpu", "TORCH_INDEX": ""}
        assert service["image"] == STACK_SERVICES[name]["image"].replace(":cpu", ":gpu")
        (device,) = service["deploy"]["resources"]["reservations"]["devices"]
        assert (device["driver"], device["capabilities"]) == ("nvidia", ["gpu"])


def test_every_program_is_told_of_the_bucket_and_can_reach_it() -> None:
    overrides = services(S3)
    assert set(overrides) == PROGRAMS | {"storage"}
    for name in PROGRAMS:
        assert overrides[name]["environment"][f"{PREFIX}STORE_URL"].startswith("${SADDLEPOINT_STORE_URL:?")
        assert overrides[name]["environment"]["AWS_SECRET_ACCESS_KEY"] is None  # from outside, never written here
        assert overrides[name]["networks"] == ["inside", "outside"]


def test_the_storage_to_try_is_started_only_when_asked_for() -> None:
    assert services(S3)["storage"]["profiles"] == ["storage"]
