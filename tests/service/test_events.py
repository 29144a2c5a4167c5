"""Server-sent events: what a reader is told, and where it goes on."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.sse import ServerSentEvent

from saddlepoint.schemas.environments import EnvironmentSpec
from saddlepoint.schemas.evaluations import Evaluation, EvaluationSpec, Progress
from saddlepoint.schemas.reports import Cell
from saddlepoint.schemas.trainings import CurvePoint, Training, TrainingProgress, TrainingSpec
from service.events import Heard, tell
from tests.service.bench import Bench, cell, make_bench
from tests.service.live import serving

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
BOXING = EnvironmentSpec(id="BoxingNoFrameskip-v4")


def evaluation(status: str = "processing", done: int = 0, cells: tuple[Cell, ...] = ()) -> Evaluation:
    fields = {"id": "e", "status": status, "policy_id": "p", "spec": EvaluationSpec(env=BOXING), "created_at": NOON}
    return Evaluation(**fields, progress=Progress(episodes_done=done, episodes_planned=9), cells=list(cells))


def told(job: Evaluation, last_id: str | None = None) -> list[tuple[str | None, str | None]]:
    """Names and ids of the events for a reader who comes back with `last_id`."""
    new, _ = tell(job, Heard.parse(last_id, job))
    return [(event.event, event.id) for event in new]


def test_a_new_reader_gets_all_at_once() -> None:
    new, heard = tell(evaluation(done=2, cells=(cell("ce"),)), None)
    assert [event.event for event in new] == ["progress"]
    assert [shown["label"] for shown in json.loads(new[0].raw_data or "")["cells"]] == ["ce"]
    assert tell(evaluation(done=2, cells=(cell("ce"),)), heard) == ([], heard)


def test_news_are_told_without_what_was_told_before() -> None:
    _, heard = tell(evaluation(done=2, cells=(cell("ce"),)), None)
    new, heard = tell(evaluation(done=5, cells=(cell("ce"), cell("max"))), heard)
    assert [event.event for event in new] == ["cell", "progress"]
    assert json.loads(new[0].raw_data or "")["label"] == "max"
    assert json.loads(new[1].raw_data or "")["cells"] == []
    assert json.loads(new[1].raw_data or "")["progress"]["episodes_done"] == 5


def test_the_end_is_complete() -> None:
    _, heard = tell(evaluation(), None)
    new, _ = tell(evaluation("succeeded", 9, (cell("none", 0.0), cell("ce"))), heard)
    assert [event.event for event in new] == ["cell", "cell", "terminal"]
    assert len(json.loads(new[-1].raw_data or "")["cells"]) == 2


def test_a_reader_goes_on_where_it_was() -> None:
    one, two = (cell("ce"),), (cell("ce"), cell("min"))
    last = str(tell(evaluation(done=2, cells=one), None)[1])
    assert told(evaluation(done=2, cells=one), last) == []
    assert [name for name, _ in told(evaluation(done=2, cells=two), last)] == ["cell"]
    assert [name for name, _ in told(evaluation("failed", 2, one), last)] == ["terminal"]


def test_a_reader_goes_on_between_two_events_of_one_moment() -> None:
    both = evaluation("succeeded", 9, (cell("ce"), cell("min")))
    _, start = tell(evaluation(), None)
    new, _ = tell(both, start)
    for heard_of, event in enumerate(new):
        assert [name for name, _ in told(both, event.id)] == [later.event for later in new[heard_of + 1 :]] or (
            event.event == "terminal"
        )


def test_greedy_cells_are_told_beside_sampled_ones() -> None:
    greedy = cell("ce").model_copy(update={"action_mode": "greedy"})
    _, heard = tell(evaluation(cells=(cell("ce"),)), None)
    assert [event.event for event in tell(evaluation(cells=(cell("ce"), greedy)), heard)[0]] == ["cell"]


@pytest.mark.parametrize(
    "last_id", ["", "x", "5", "zz.state", "-1.state", f"{1 << 4000:x}.state", "0x1.s\u00e9", "ffff."]
)
def test_an_unknown_id_gets_one_full_progress(last_id: str) -> None:
    new, _ = tell(evaluation(done=1, cells=(cell("ce"),)), Heard.parse(last_id, evaluation()))
    assert [event.event for event in new] == ["progress"]
    assert len(json.loads(new[0].raw_data or "")["cells"]) == 1


def training(status: str, steps: int) -> Training:
    points = [CurvePoint(update=update, steps=update, episodes=1, mean_return=0.0) for update in range(steps)]
    progress = TrainingProgress(steps_done=steps, steps_planned=10, curve=points)
    fields = {"id": "t", "status": status, "spec": TrainingSpec(env=BOXING), "created_at": NOON, "progress": progress}
    return Training(**fields)


def test_a_training_is_told_like_an_evaluation() -> None:
    first, heard = tell(training("processing", 3), None)
    second, heard = tell(training("processing", 5), heard)
    third, _ = tell(training("succeeded", 9), heard)
    assert [event.event for event in first + second + third] == ["progress", "progress", "terminal"]
    assert [updates(event) for event in first + second + third] == [[0, 1, 2], [3, 4], list(range(9))]


def updates(event: ServerSentEvent) -> list[int]:
    """Of the points of the curve that an event brings."""
    return [point["update"] for point in json.loads(event.raw_data or "")["progress"]["curve"]]


def test_the_points_of_a_curve_that_a_lost_stream_missed_come_with_the_next_event() -> None:
    _, heard = tell(training("processing", 3), None)
    resumed = Heard.parse(str(heard), training("processing", 6))
    ((event,), _) = tell(training("processing", 6), resumed)
    assert updates(event) == [3, 4, 5]


def test_a_curve_without_news_brings_its_last_point() -> None:
    _, heard = tell(training("starting", 3), None)
    ((event,), _) = tell(training("processing", 3), heard)
    assert updates(event) == [2]
    _, heard = tell(training("queued", 0), None)
    ((event,), _) = tell(training("starting", 0), heard)
    assert updates(event) == []


@pytest.fixture
def live(tmp_path: Path) -> Iterator[tuple[Bench, httpx.Client]]:
    bench = make_bench(tmp_path)
    with serving(bench.app) as url, httpx.Client(base_url=url, timeout=60) as client:
        yield bench, client


def read_events(lines: Iterator[str]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Name, id and data of each event of a stream."""
    fields: dict[str, str] = {}
    for line in lines:
        if line.startswith(":"):
            continue
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif fields:
            yield fields["event"], fields["id"], json.loads(fields["data"])
            fields = {}


def test_a_life_is_told_as_it_happens_and_again_from_the_middle(live: tuple[Bench, httpx.Client]) -> None:
    bench, client = live
    form: dict[str, Any] = {"spec": (None, '{"env": "BoxingNoFrameskip-v4"}'), "policy": ("p", b"policy")}
    evaluation_id = client.post("/evaluate", files=form).json()["id"]
    path = f"/v1/evaluations/{evaluation_id}/events"
    with client.stream("GET", path) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        stream = read_events(answer.iter_lines())
        name, _, data = next(stream)
        assert (name, data["status"]) == ("progress", "queued")
        bench.queue.set_live(evaluation_id, "processing", 4, 100)
        name, middle_id, data = next(stream)
        assert (name, data["status"], data["progress"]["episodes_done"]) == ("progress", "processing", 4)
        bench.finish(evaluation_id, cell("ce"), cell("min"))
        assert [name for name, _, _ in stream] == ["cell", "cell", "terminal"]
    for last_id, expected in (
        (middle_id, ["cell", "cell", "terminal"]),
        ("nonsense", ["progress", "terminal"]),
        (None, ["progress", "terminal"]),
    ):
        headers = {"Last-Event-ID": last_id} if last_id else {}
        answer = client.get(path, headers=headers)
        assert [name for name, _, _ in read_events(iter(answer.text.splitlines()))] == expected


def test_many_readers_cost_one_look(live: tuple[Bench, httpx.Client]) -> None:
    bench, client = live
    form: dict[str, Any] = {"spec": (None, '{"env": "BoxingNoFrameskip-v4"}'), "policy": ("p", b"policy")}
    evaluation_id = client.post("/evaluate", files=form).json()["id"]
    url = f"{client.base_url}/v1/evaluations/{evaluation_id}/events"
    with httpx.Client(limits=httpx.Limits(max_connections=60), timeout=60) as many:
        streams = [many.send(many.build_request("GET", url), stream=True) for _ in range(50)]
        asked = bench.queue.asked
        bench.finish(evaluation_id)
        for stream in streams:
            assert [name for name, _, _ in read_events(stream.iter_lines())][-1] == "terminal"
    assert bench.queue.asked - asked < 20
