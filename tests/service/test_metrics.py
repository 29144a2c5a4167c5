"""/metrics: what waits, who works, what was answered; and the dashboard and alerts that are made of it."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from saddlepoint.queue import (
    TALLIES,
    Activity,
    Census,
    Count,
    JobQueue,
    OpenWork,
    QueueActivity,
    QueuedTask,
    WorkerActivity,
)
from service.metrics import Metrics
from tests.service.bench import Bench

pytestmark = pytest.mark.anyio
DOCKER = Path(__file__).parents[2] / "docker"
NAME = re.compile(r"\bsaddlepoint_\w+")
MATCHERS = re.compile(r"\b(saddlepoint_\w+)\{([^}]*)\}")
LABEL = re.compile(r"(\w+)[!=]")
SUMMED = re.compile(r"\bsum(?: by \([^)]*\))? ?\((?:rate|increase)\((saddlepoint_\w+)")


class Busy(JobQueue):
    """One of two evaluators plays, and a job has waited for ten minutes."""

    def __init__(self, redis_url: str) -> None:
        super().__init__(JobQueue.open(redis_url)._connection)

    def activity(self) -> Activity:
        now = datetime.now(UTC)
        task = QueuedTask("worker.tasks.play_shard", ("e", "0"), now - timedelta(minutes=10))
        workers = tuple(
            WorkerActivity(f"w{number}", "evaluate", "host", number, now, now, task if number else None)
            for number in range(2)
        )
        return Activity((QueueActivity("evaluate", 7, 1, task),), workers)


def samples(text: str) -> dict[tuple[str, ...], float]:
    """Every sample by its name and the values of its labels, in the order of their names."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_what_waits_and_who_works_is_told(redis_url: str) -> None:
    queue = Busy(redis_url)
    queue.tally(Count("job_seconds", ("evaluate", "play_shard", "done"), 2.0))
    found = samples(Metrics(queue).text().decode())
    assert found["saddlepoint_queue_waiting", "evaluate"] == 7
    assert found["saddlepoint_queue_oldest_seconds", "evaluate"] == pytest.approx(600, abs=5)
    assert found["saddlepoint_job_longest_seconds", "evaluate"] == pytest.approx(600, abs=5)
    assert found["saddlepoint_workers", "evaluate", "busy"] == 1
    assert found["saddlepoint_workers", "evaluate", "idle"] == 1
    assert found["saddlepoint_job_seconds_count", "done", "evaluate", "play_shard"] >= 1
    assert found["saddlepoint_redis_up",] == 1


async def test_what_is_open_is_told_with_its_age_and_what_nothing_has_as_nought(bench: Bench) -> None:
    now = datetime.now(UTC)
    ago = [now - timedelta(seconds=seconds) for seconds in (5, 600, 7200)]
    work = OpenWork(kind="evaluation", status="processing", count=3, oldest=ago[2], still=ago[1])
    bench.queue.now_open = Census(at=ago[0], works=(work,))
    found = samples((await bench.api.get("/metrics")).text)
    assert found["saddlepoint_open", "evaluation", "processing"] == 3
    assert found["saddlepoint_open_oldest_seconds", "evaluation", "processing"] == pytest.approx(7200, abs=5)
    assert found["saddlepoint_open_still_seconds", "evaluation", "processing"] == pytest.approx(600, abs=5)
    assert found["saddlepoint_open_counted_seconds",] == pytest.approx(5, abs=5)
    for kind, status in (("evaluation", "queued"), ("training", "processing")):
        for name in ("open", "open_oldest_seconds", "open_still_seconds"):
            assert found[f"saddlepoint_{name}", kind, status] == 0


async def test_before_the_reconciler_looked_nothing_is_said_of_what_is_open(bench: Bench) -> None:
    found = samples((await bench.api.get("/metrics")).text)
    assert not [name for name, *_ in found if name.startswith("saddlepoint_open")]


async def test_requests_are_counted_by_route_and_never_by_id(bench: Bench) -> None:
    for evaluation_id in ("one", "two"):
        await bench.api.get(f"/v1/evaluations/{evaluation_id}")
    await bench.api.get("/nowhere/at/all")
    text = (await bench.api.get("/metrics")).text
    found = samples(text)
    assert found["saddlepoint_http_requests_total", "GET", "/v1/evaluations/{evaluation_id}", "404"] == 2
    assert found["saddlepoint_http_requests_total", "GET", "none", "404"] == 1
    assert found["saddlepoint_http_seconds_count", "GET", "/v1/evaluations/{evaluation_id}"] == 2
    assert "one" not in {label for sample in found for label in sample[1:]}


async def test_what_came_in_is_counted(bench: Bench) -> None:
    await bench.upload()
    found = samples((await bench.api.get("/metrics")).text)
    assert found["saddlepoint_http_received_bytes_total",] > 0


async def test_what_the_service_asks_of_its_store_is_timed(bench: Bench) -> None:
    await bench.api.get("/v1/evaluations/nowhere")
    found = samples((await bench.api.get("/metrics")).text)
    assert found["saddlepoint_store_seconds_count", "get", "absent"] == 1


async def test_while_redis_is_away_the_rest_is_told(bench: Bench) -> None:
    bench.queue.away = True
    answer = await bench.api.get("/metrics")
    found = samples(answer.text)
    assert (answer.status_code, found["saddlepoint_redis_up",]) == (200, 0)
    assert not [name for name, *_ in found if name.startswith("saddlepoint_queue")]


async def test_where_there_are_keys_it_takes_an_admin(bench: Bench) -> None:
    reader, admin = bench.key("alice", "read"), bench.key("alice", "admin")
    statuses = [(await bench.api.get("/metrics", headers=headers)).status_code for headers in ({}, reader, admin)]
    assert statuses == [401, 403, 200]


@pytest.fixture
def everything(redis_url: str) -> str:
    """Every metric that there is, at least once."""
    queue = Busy(redis_url)
    queue.tally(*(Count(name, ("",) * len(tally.labels)) for name, tally in TALLIES.items()))
    queue.put_census(Census(at=datetime.now(UTC)))
    metrics = Metrics(queue)
    metrics.http.requests.labels("GET", "/", "200").inc()
    metrics.http.seconds.labels("GET", "/").observe(1)
    metrics.store("get", "done", 1)
    return metrics.text().decode()


@pytest.fixture
def asked() -> list[str]:
    """The expressions of dashboard and alerts."""
    panels = json.loads((DOCKER / "grafana" / "saddlepoint.json").read_text(encoding="utf-8"))["panels"]
    rules = yaml.safe_load((DOCKER / "prometheus" / "alerts.yml").read_text(encoding="utf-8"))["groups"][0]["rules"]
    targets = [target["expr"] for panel in panels for target in panel.get("targets", ())]
    assert len(targets) > 15
    return [*targets, *(rule["expr"] for rule in rules)]


def test_dashboard_and_alerts_ask_for_what_there_is(everything: str, asked: list[str]) -> None:
    there = {name for name, *_ in samples(everything)}
    assert {name for expression in asked for name in NAME.findall(expression)} <= there


def test_they_tell_metrics_apart_by_labels_that_these_have(everything: str, asked: list[str]) -> None:
    families = text_string_to_metric_families(everything)
    there = {(sample.name, label) for family in families for sample in family.samples for label in sample.labels}
    matched = {
        (name, label)
        for expression in asked
        for name, matchers in MATCHERS.findall(expression)
        for label in LABEL.findall(matchers)
    }
    assert ("saddlepoint_open_still_seconds", "status") in matched
    assert matched <= there


def test_what_every_replica_tells_alike_is_not_summed_over_them(asked: list[str]) -> None:
    tallies = {f"saddlepoint_{name}_{'count' if tally.buckets else 'total'}" for name, tally in TALLIES.items()}
    summed = [(expression, name) for expression in asked for name in SUMMED.findall(expression)]
    compared_with_nought = "saddlepoint_queue_waiting * 0"
    assert [name for expression, name in summed if name in tallies and compared_with_nought not in expression] == []
