"""What the doctor says of a Redis."""

from pathlib import Path
from typing import Any

import pytest

from saddlepoint.schemas.checkups import Verdict
from worker.doctor.queue import clock, look_at_redis, persistence, room, version

GOOD = {"redis_version": "7.2.4", "aof_enabled": 1, "aof_last_write_status": "ok"}
EMPTY = {"used_memory": 2**20, "maxmemory": 0, "maxmemory_policy": "noeviction"}


def test_a_redis_as_the_stack_starts_it_is_fine(redis_url: str) -> None:
    findings = list(look_at_redis(redis_url))
    assert [finding.check for finding in findings] == ["redis", "redis persistence", "redis memory", "redis clock"]
    assert {finding.verdict for finding in findings} == {"ok"}


def test_one_that_is_away_fails_and_its_password_is_not_told(tmp_path: Path) -> None:
    (finding,) = look_at_redis(f"unix://:secret@{tmp_path}/none")
    assert (finding.verdict, finding.found) == ("fail", "does not answer: ConnectionError")
    assert "secret" not in finding.model_dump_json()


@pytest.mark.parametrize(
    ("about", "verdict"), [({}, "ok"), ({"aof_enabled": 0}, "warn"), ({"aof_last_write_status": "err"}, "fail")]
)
def test_what_it_is_given_is_kept(about: dict[str, Any], verdict: Verdict) -> None:
    assert persistence(GOOD | about).verdict == verdict


@pytest.mark.parametrize(
    ("about", "verdict"),
    [
        ({}, "ok"),
        ({"maxmemory_policy": "allkeys-lru"}, "warn"),
        ({"maxmemory_policy": "allkeys-lru", "maxmemory": 2**30}, "fail"),
        ({"maxmemory": 2**20 + 1}, "warn"),
        ({"maxmemory": 2**21}, "ok"),
    ],
)
def test_nothing_may_be_evicted_and_there_is_room(about: dict[str, Any], verdict: Verdict) -> None:
    assert room(EMPTY | about).verdict == verdict


@pytest.mark.parametrize(("number", "verdict"), [("6.0.16", "fail"), ("6.2.0", "ok"), ("7.2.4", "ok")])
def test_it_is_not_too_old(number: str, verdict: Verdict) -> None:
    assert version({"redis_version": number}).verdict == verdict


@pytest.mark.parametrize(("skew_s", "verdict"), [(0.2, "ok"), (-6.0, "warn"), (6.0, "warn")])
def test_clocks_agree(skew_s: float, verdict: Verdict) -> None:
    assert clock("redis clock", skew_s).verdict == verdict
