"""Hours of everything at a pace that leaves time: what grows, of memory, descriptors and keys in Redis."""

import json
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path

import httpx
import redis

from tests.load.figures import Figure
from tests.load.setting import SPEC, Setting

EVERY_S = 2.0
POLLS = 20
WARM_SHARE, WARM_S = 0.34, 600.0
"""What the first third takes, or ten minutes if that is less, is what a process fills once."""
HOUR_S = 3600.0


@dataclass(frozen=True)
class Sample:
    """The service and Redis at a moment, in seconds from the start."""

    at_s: float
    resident_bytes: int
    descriptors: int
    redis_keys: int


def soak_figures(setting: Setting, minutes: float, log: Path) -> list[Figure]:
    """Every two seconds: polls, an upload, an evaluation, every other one canceled, a list, a stream's first event."""
    samples = []
    with log.open("w", encoding="utf-8") as lines:
        for sample in _lived(setting, minutes * 60):
            samples.append(sample)
            lines.write(json.dumps(asdict(sample)) + "\n")
    return grown(samples)


def grown(samples: Sequence[Sample]) -> list[Figure]:
    """How the last samples differ from the first ones, the warm-up left out."""
    start_s = min(samples[-1].at_s * WARM_SHARE, WARM_S)
    kept = [sample for sample in samples if sample.at_s >= start_s]
    half = len(kept) // 2
    early, late = kept[:half], kept[half:]
    slope = statistics.linear_regression([each.at_s for each in kept], [each.resident_bytes for each in kept]).slope
    return [
        Figure(f"soak of {samples[-1].at_s / 60:.0f} minutes: memory", slope * HOUR_S / 1e6, "MB/h", most=5),
        Figure("  descriptors more", _least(late, "descriptors") - _least(early, "descriptors"), "", most=0),
        Figure("  keys in Redis more", _least(late, "redis_keys") - _least(early, "redis_keys"), "", most=100),
    ]


def _least(samples: Sequence[Sample], name: str) -> float:
    """Of what goes up and down with what is under way just then."""
    return float(min(getattr(sample, name) for sample in samples))


def _lived(setting: Setting, seconds: float) -> Iterator[Sample]:
    """What the service may keep in memory it keeps before the first sample."""
    turns = count(1)
    with (
        httpx.Client(base_url=setting.stack.url, headers=setting.headers, timeout=60) as http,
        redis.Redis.from_url(setting.stack.redis_url) as client,
    ):
        for name in setting.ended_ids:
            http.get(f"/v1/evaluations/{name}").raise_for_status()
        _leaf_through(http)
        began = time.monotonic()
        while (passed := time.monotonic() - began) < seconds:
            setting.stack.tend()
            _turn(http, setting, next(turns))
            service = setting.service
            yield Sample(passed, service.memory_info().rss, service.num_fds(), int(client.dbsize()))
            time.sleep(max(0.0, EVERY_S - (time.monotonic() - began - passed)))


def _leaf_through(http: httpx.Client) -> None:
    """Ask for every page of the list."""
    cursor: dict[str, str] = {}
    while True:
        page = http.get("/v1/evaluations", params={"limit": 100, **cursor}).raise_for_status().json()
        if page["next_cursor"] is None:
            return
        cursor = {"cursor": page["next_cursor"]}


def _turn(http: httpx.Client, setting: Setting, number: int) -> None:
    for _ in range(POLLS):
        http.get(f"/v1/evaluations/{setting.running_id}").raise_for_status()
    http.get("/v1/evaluations", params={"limit": 20}).raise_for_status()
    assert http.post("/v1/policies", files={"policy": b"no policy, %d" % number}).status_code in (202, 415)
    spec = {**SPEC, "policy_id": setting.policy_id, "seeds": [number], "max_episode_steps": 20}
    evaluation = http.post("/v1/evaluations", json=spec).raise_for_status().json()
    with http.stream("GET", f"/v1/evaluations/{evaluation['id']}/events") as events:
        next(events.iter_lines())
    if number % 2:
        assert http.post(f"/v1/evaluations/{evaluation['id']}/cancel").status_code in (200, 202, 409)
