"""Both clients, against a scripted service: what they send, and what they make of the answers."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from clients import Report
from clients.retries import RetryPolicy
from saddlepoint.errors import (
    AlreadyEnded,
    Canceled,
    InternalError,
    InvalidRequest,
    InvalidSpec,
    JobFailed,
    TooManyRequests,
    Unavailable,
    UnexpectedAnswer,
    UnsafePickle,
    WaitTimedOut,
)
from saddlepoint.schemas.environments import EnvironmentSpec
from saddlepoint.schemas.problems import problem_of
from tests.clients import fakes
from tests.clients.fakes import EVALUATION, POLICY, Service, answer, evaluation, event, refusal, stream

Caller = Callable[..., Any]


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.zip"
    path.write_bytes(b"weights" * 1000)
    return path


def test_an_upload_streams_the_file_and_the_hints(call: Caller, policy: Path) -> None:
    service = Service(answer(fakes.card(), 201))
    card = call(service, lambda client: client.upload(policy, card={"layout": "nhwc"}))
    (request,) = service.requests
    assert fakes.card() == card
    assert service.paths == ["POST /v1/policies"]
    assert policy.read_bytes() == fakes.parts(request)["policy"]
    assert fakes.json_part(request, "card") == {"layout": "nhwc"}
    assert int(request.headers["content-length"]) == len(request.content)


def test_an_upload_that_is_still_being_validated_is_waited_for(
    call: Caller, policy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clients.operations.VALIDATION_POLL_S", 0.0)
    later = answer({}, 202, location=f"/v1/policies/{POLICY}")
    service = Service(later, later, answer(fakes.card()))
    assert fakes.card() == call(service, lambda client: client.upload(policy))
    assert service.paths[1:] == [f"GET /v1/policies/{POLICY}"] * 2


def test_an_evaluation_of_a_file_is_one_post(call: Caller, policy: Path) -> None:
    service = Service(answer(evaluation(), 202))
    started = call(
        service,
        lambda client: client.evaluate(
            policy, env="CartPole-v1", epsilon=[0.1], seeds=range(2), attacks=["ce", {"kind": "max", "steps": 3}]
        ),
    )
    assert started == evaluation()
    assert service.paths == ["POST /evaluate"]
    assert fakes.json_part(service.requests[0], "spec") == {
        "env": "CartPole-v1",
        "epsilon": [0.1],
        "seeds": [0, 1],
        "attacks": [{"kind": "ce"}, {"kind": "max", "steps": 3}],
    }


def test_an_evaluation_of_a_known_policy_sends_its_id(call: Caller) -> None:
    service = Service(answer(evaluation(), 202))
    call(service, lambda client: client.evaluate(POLICY, env=EnvironmentSpec(id="CartPole-v1"), epsilon=1.0))
    assert service.paths == ["POST /v1/evaluations"]
    assert fakes.json_of(service.requests[0])["policy_id"] == POLICY
    assert fakes.json_of(service.requests[0])["env"]["id"] == "CartPole-v1"


def test_a_missing_file_is_told_before_anything_is_sent(call: Caller, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=r"'.*nothing.zip' does not exist"):
        call(Service(), lambda client: client.evaluate(tmp_path / "nothing.zip", env="CartPole-v1"))


def test_what_may_pass_is_tried_again_under_one_idempotency_key(call: Caller, policy: Path) -> None:
    service = Service(
        httpx.ConnectError("refused"), refusal(Unavailable("The queue is away.")), answer(evaluation(), 202)
    )
    call(service, lambda client: client.evaluate(policy, env="CartPole-v1"))
    keys = [request.headers["idempotency-key"] for request in service.requests]
    assert len(keys) == 3
    assert len(set(keys)) == 1
    assert fakes.parts(service.requests[0])["policy"] == fakes.parts(service.requests[2])["policy"]


def test_two_operations_have_two_keys(call: Caller, policy: Path) -> None:
    first, second = Service(answer(evaluation(), 202)), Service(answer(evaluation(), 202))
    for service in (first, second):
        call(service, lambda client: client.evaluate(policy, env="CartPole-v1"))
    assert first.requests[0].headers["idempotency-key"] != second.requests[0].headers["idempotency-key"]


def test_retries_end(call: Caller) -> None:
    service = Service(*[httpx.ConnectError("refused")] * 3)
    with pytest.raises(Unavailable, match="saddlepoint up"):
        call(service, lambda client: client.evaluation(EVALUATION))
    assert len(service.requests) == 3


def test_a_service_that_asks_for_more_patience_than_there_is_ends_the_retries(call: Caller) -> None:
    service = Service(refusal(TooManyRequests("Slow down."), **{"retry-after": "3600"}))
    with pytest.raises(TooManyRequests, match="Slow down"):
        call(service, lambda client: client.evaluation(EVALUATION), retries=RetryPolicy())


def test_a_problem_becomes_the_error_of_its_code(call: Caller, policy: Path) -> None:
    error = InvalidSpec("seeds must differ.", (("seeds", "twice 3"),))
    service = Service(refusal(error))
    with pytest.raises(InvalidSpec, match=r"seeds must differ\. \(seeds: twice 3\)"):
        call(service, lambda client: client.evaluate(policy, env="CartPole-v1"))


def test_an_internal_error_is_not_tried_again(call: Caller) -> None:
    service = Service(refusal(InternalError("Something broke.")))
    with pytest.raises(InternalError):
        call(service, lambda client: client.evaluation(EVALUATION))


@pytest.mark.parametrize(
    "strange",
    [
        httpx.Response(404, text="<html>nginx"),
        httpx.Response(302, headers={"location": "/login"}),
        httpx.Response(200, text="<html>welcome"),
        httpx.Response(200, json={"id": 3}),
        httpx.Response(400, json={"no": "problem"}, headers={"content-type": "application/problem+json"}),
    ],
    ids=["html error", "redirect", "html", "other json", "broken problem"],
)
def test_an_answer_that_is_not_saddlepoints_is_named_as_that(call: Caller, strange: httpx.Response) -> None:
    with pytest.raises(UnexpectedAnswer, match=rf"GET {fakes.URL}/v1/evaluations/{EVALUATION}"):
        call(Service(strange), lambda client: client.evaluation(EVALUATION))


def test_fields_of_a_newer_service_are_left_out(call: Caller) -> None:
    newer = evaluation().model_dump(mode="json") | {"colour": "green"}
    assert evaluation() == call(Service(answer(newer)), lambda client: client.evaluation(EVALUATION))


def test_waiting_hears_the_end_from_the_stream(call: Caller) -> None:
    seen: list[str] = []
    lines = [*event("progress", evaluation("processing", 5), "1"), *event("terminal", evaluation("succeeded", 10), "2")]
    service = Service(answer(evaluation()), stream(": ping", "", *lines))
    ended = call(service, lambda client: client.wait(EVALUATION, progress=lambda job: seen.append(job.status)))
    assert ended == evaluation("succeeded", 10)
    assert seen == ["queued", "processing", "succeeded"]


def test_waiting_hears_of_cells_and_keeps_them_where_later_states_leave_them_out(call: Caller) -> None:
    seen: list[list[str]] = []
    told = ["event: cell", f"data: {fakes.cell('none').model_dump_json()}", "id: 2", ""]
    later = event("progress", evaluation("processing", 6), "3")
    ended = evaluation("succeeded", 10).model_copy(update={"cells": [fakes.cell("none"), fakes.cell("ce", epsilon=4)]})
    service = Service(answer(evaluation()), stream(*told, *later, *event("terminal", ended, "4")))
    call(
        service, lambda client: client.wait(EVALUATION, progress=lambda job: seen.append([c.title for c in job.cells]))
    )
    assert seen == [[], ["none"], ["none"], ["none", "ce@4"]]


def test_a_broken_stream_is_resumed_where_it_broke(call: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clients.waiting.POLL_S", 0.0)
    service = Service(
        answer(evaluation()),
        stream(*event("progress", evaluation("processing", 5), "41")),
        httpx.ReadError("reset"),
        httpx.ReadError("reset"),
        httpx.ReadError("reset"),
        httpx.ReadError("reset"),
        answer(evaluation("processing", 6)),
        stream(*event("terminal", evaluation("succeeded", 10), "42")),
    )
    assert call(service, lambda client: client.wait(EVALUATION, progress=False)).status == "succeeded"
    assert [request.headers.get("last-event-id") for request in service.requests][-1] == "41"


def test_without_a_stream_waiting_polls(call: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clients.waiting.POLL_S", 0.0)
    service = Service(
        answer(evaluation()),
        httpx.Response(404),
        answer(evaluation()),
        httpx.Response(404),
        answer(evaluation("succeeded")),
    )
    assert call(service, lambda client: client.wait(evaluation(), progress=False)).status == "succeeded"


def test_a_failure_is_raised_with_its_cause(call: Caller) -> None:
    failed = evaluation("failed", error=problem_of(UnsafePickle("The file carries code.")))
    with pytest.raises(JobFailed, match=r"The file carries code\. \[unsafe-pickle\]") as caught:
        call(Service(answer(failed)), lambda client: client.wait(EVALUATION, progress=False))
    assert isinstance(caught.value.__cause__, UnsafePickle)


def test_a_cancellation_is_raised(call: Caller) -> None:
    with pytest.raises(Canceled, match=EVALUATION):
        call(Service(answer(evaluation("canceled"))), lambda client: client.wait(EVALUATION, progress=False))


def test_waiting_ends_when_time_is_up(call: Caller) -> None:
    with pytest.raises(WaitTimedOut, match=f"saddlepoint watch {EVALUATION}"):
        call(Service(answer(evaluation())), lambda client: client.wait(EVALUATION, progress=False, timeout_s=0.0))


def test_canceling_posts_and_says_when_it_is_too_late(call: Caller) -> None:
    service = Service(answer(evaluation("canceled"), 202), refusal(AlreadyEnded("It succeeded.")))
    assert call(service, lambda client: client.cancel(evaluation())).status == "canceled"
    with pytest.raises(AlreadyEnded):
        call(service, lambda client: client.cancel(EVALUATION))
    assert service.paths == [f"POST /v1/evaluations/{EVALUATION}/cancel"] * 2


def test_a_robustness_report_is_evaluated_awaited_and_saved(call: Caller, policy: Path, tmp_path: Path) -> None:
    service = Service(
        answer(evaluation(), 202),
        answer(evaluation("succeeded")),
        answer(fakes.report()),
        httpx.Response(200, html="<title>report</title>"),
    )
    report: Report = call(service, lambda client: client.robustness_report(policy, env="CartPole-v1", progress=False))
    folder = report.save(tmp_path / "out")
    assert service.paths[-1] == f"GET /v1/evaluations/{EVALUATION}/report?format=html"
    assert fakes.report() == fakes.report().model_validate_json((folder / "report.json").read_bytes())
    assert (folder / "report.html").read_text() == "<title>report</title>"


def test_an_interrupt_leaves_the_evaluation_running_and_says_so(
    call: Caller, policy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    service = Service(answer(evaluation(), 202), answer(evaluation()))
    with pytest.raises(KeyboardInterrupt):
        call(service, lambda client: client.robustness_report(policy, env="CartPole-v1", progress=interrupt))
    assert f"saddlepoint cancel {EVALUATION}" in capsys.readouterr().err
    assert not any("cancel" in path for path in service.paths)


def test_lists_are_read_through_their_pages(call: Caller) -> None:
    page = evaluation().model_dump(mode="json")
    service = Service(
        answer({"items": [page, page], "next_cursor": "further"}), answer({"items": [page], "next_cursor": None})
    )
    assert call(service, lambda client: client.evaluations()) == [evaluation()] * 3
    assert service.paths[-1] == "GET /v1/evaluations?cursor=further"


def test_a_limit_reads_no_page_too_many(call: Caller) -> None:
    page = {"items": [evaluation().model_dump(mode="json")] * 2, "next_cursor": "further"}
    assert call(Service(answer(page)), lambda client: client.evaluations(limit=1)) == [evaluation()]


def test_the_key_travels_as_a_bearer_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SADDLEPOINT_API_KEY", "secret")
    service = Service(answer(evaluation()))
    fakes.call(service, lambda client: client.evaluation(EVALUATION))
    assert service.requests[0].headers["authorization"] == "Bearer secret"


def test_an_extension_sends_what_is_added(call: Caller) -> None:
    service = Service(answer(evaluation(), 202))
    started = call(service, lambda client: client.extend(EVALUATION, seeds=range(3), attacks=["kl"], epsilon=8))
    assert started == evaluation()
    assert service.paths == [f"POST /v1/evaluations/{EVALUATION}/extend"]
    assert fakes.json_of(service.requests[0]) == {"seeds": [0, 1, 2], "attacks": ["kl"], "epsilon": 8}
    assert service.requests[0].headers["idempotency-key"]


def attack_of(status: str) -> dict[str, Any]:
    return {
        "id": "f" * 32,
        "status": status,
        "created_at": "2026-01-02T03:04:05Z",
        "policy_id": POLICY,
        "spec": {"kind": "ce", "epsilon": 4.0},
        "array": {"shape": [2, 4], "dtype": "float32"},
        "summary": {"rows": 2, "flip_rate": 0.5, "mean_loss": 2.0, "mean_clean_loss": 1.0, "max_linf": 4.0},
    }


def test_an_attack_on_observations_is_waited_for(call: Caller, tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    path.write_bytes(b"numbers")
    service = Service(
        answer(attack_of("queued"), 202),
        answer(attack_of("processing")),
        answer(attack_of("succeeded")),
        httpx.Response(200, content=b"npz"),
    )
    attacked = call(service, lambda client: client.attack(POLICY, path, kind="max", epsilon=4, steps=9, norm="l2"))
    assert (attacked.npz, attacked.summary.flip_rate) == (b"npz", 0.5)
    assert service.paths == [
        "POST /v1/attacks",
        f"GET /v1/attacks/{'f' * 32}",
        f"GET /v1/attacks/{'f' * 32}",
        f"GET /v1/attacks/{'f' * 32}/result",
    ]
    sent = fakes.parts(service.requests[0])
    assert (sent["policy_id"], sent["observations"]) == (POLICY.encode(), b"numbers")
    assert fakes.json_part(service.requests[0], "spec") == {"kind": "max", "epsilon": 4, "steps": 9, "norm": "l2"}
    assert service.requests[1].headers["prefer"] == "wait=5"


def test_an_attack_that_fails_says_why(call: Caller) -> None:
    failed = attack_of("failed") | {"error": problem_of(InvalidSpec("no")).model_dump(mode="json")}
    with pytest.raises(JobFailed, match=r"attack .* failed"):
        call(Service(answer(failed)), lambda client: client.attack(POLICY, b"numbers", epsilon=1))


def landscape_of(status: str) -> dict[str, Any]:
    summary = {"policy_id": POLICY, "name": "boxer", "states": 8, "median": 0.1, "quantile90": 1, "mean": 0.2}
    return {
        "id": "f" * 32,
        "status": status,
        "created_at": "2026-01-02T03:04:05Z",
        "spec": {"policy_ids": [POLICY], "env": "BoxingNoFrameskip-v4"},
        "summary": [summary | {"largest": 2.5}],
    }


def landscape_result() -> dict[str, Any]:
    policy = {"policy_id": POLICY, "name": "boxer", "max_kl": [0.1], "max_tv": [0.2], "matrices": []}
    shared = {key: landscape_of("succeeded")[key] for key in ("id", "created_at", "spec")}
    return shared | {"policies": [policy], "versions": {}, "protocol": {}}


def test_a_landscape_of_a_file_and_an_id_is_waited_for_and_saved(call: Caller, policy: Path, tmp_path: Path) -> None:
    service = Service(
        answer(fakes.card()),
        answer(landscape_of("queued"), 202),
        answer(landscape_of("succeeded")),
        answer(landscape_result()),
        httpx.Response(200, html="<title>landscape</title>"),
    )
    found = call(
        service, lambda client: client.landscape([policy, "b" * 32], env="BoxingNoFrameskip-v4", states=8, seed=1)
    )
    assert fakes.json_of(service.requests[1]) == {
        "policy_ids": [POLICY, "b" * 32],
        "env": "BoxingNoFrameskip-v4",
        "states": 8,
        "seed": 1,
    }
    assert found.policies[0].max_kl == [0.1]
    assert [each.largest for each in found.summary] == [2.5]
    folder = found.save(tmp_path / "out")
    assert (folder / "landscape.html").read_text() == "<title>landscape</title>"
    assert '"max_kl"' in (folder / "landscape.json").read_text()
