"""Webhooks as both clients and the command line ask for them."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from clients.cli import main
from saddlepoint.schemas.webhooks import Webhook, webhook_id
from tests.clients import fakes
from tests.clients.fakes import EVALUATION, POLICY, Answer, Service, Use, answer, evaluation
from tests.clients.test_clients import attack_of, landscape_of, landscape_result
from tests.clients.trainings import audited, compared, hardened, training
from tests.evaluation.sample_groups import sample_groups
from tests.service.bench import make_bench

Caller = Callable[..., Any]
HOOK = "https://hooks.example/saddlepoint"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def _attacked() -> tuple[Answer, ...]:
    return answer(attack_of("succeeded")), httpx.Response(200, content=b"npz")


def _landscape() -> tuple[Answer, ...]:
    return (
        answer(landscape_of("queued"), 202),
        answer(landscape_of("succeeded")),
        answer(landscape_result()),
        httpx.Response(200, html="<title>landscape</title>"),
    )


CALLS: dict[str, tuple[Callable[[Any, Path], Any], tuple[Answer, ...], list[str]]] = {
    "evaluate a file": (
        lambda client, file: client.evaluate(file, env="CartPole-v1", webhook=HOOK),
        (answer(evaluation(), 202),),
        ["/evaluate"],
    ),
    "evaluate": (
        lambda client, file: client.evaluate(POLICY, env="CartPole-v1", webhook=HOOK),
        (answer(evaluation(), 202),),
        ["/v1/evaluations"],
    ),
    "report": (
        lambda client, file: client.robustness_report(POLICY, env="CartPole-v1", progress=False, webhook=HOOK),
        audited(),
        ["/v1/evaluations"],
    ),
    "extend": (
        lambda client, file: client.extend(EVALUATION, seeds=3, webhook=HOOK),
        (answer(evaluation(), 202),),
        [f"/v1/evaluations/{EVALUATION}/extend"],
    ),
    "attack": (
        lambda client, file: client.attack(POLICY, b"npy", epsilon=1.0, webhook=HOOK),
        _attacked(),
        ["/v1/attacks"],
    ),
    "landscape": (
        lambda client, file: client.landscape(POLICY, env="BoxingNoFrameskip-v4", progress=False, webhook=HOOK),
        _landscape(),
        ["/v1/landscapes"],
    ),
    "train a file": (
        lambda client, file: client.train(file, env="CartPole-v1", webhook=HOOK),
        (answer(fakes.card(), 201), answer(training(), 202)),
        ["/v1/trainings"],
    ),
    "harden": (
        lambda client, file: client.harden(POLICY, env="CartPole-v1", progress=False, webhook=HOOK),
        hardened(),
        ["/v1/trainings", "/v1/evaluations", "/v1/evaluations", "/v1/comparisons"],
    ),
    "compare": (lambda client, file: client.compare("a", "b", webhook=HOOK), compared(), ["/v1/comparisons"]),
    "compare methods": (
        lambda client, file: client.compare(groups={"x": "a", "y": "b"}, webhook=HOOK),
        compared(sample_groups()),
        ["/v1/comparisons"],
    ),
    "gate": (
        lambda client, file: client.gate(POLICY, env="CartPole-v1", min_mean=0.0, progress=False, webhook=HOOK),
        audited(),
        ["/v1/evaluations"],
    ),
}


def told(service: Service) -> list[str]:
    """Where a webhook was sent with the request."""
    return [request.url.path for request in service.requests if request.headers.get("webhook-url") == HOOK]


@pytest.mark.parametrize("name", CALLS)
def test_each_job_that_a_call_begins_is_told_of_and_nothing_else(call: Caller, name: str, tmp_path: Path) -> None:
    (tmp_path / "policy.zip").write_bytes(b"weights")
    operation, answers, paths = CALLS[name]
    service = Service(*answers)
    call(service, lambda client: operation(client, tmp_path / "policy.zip"))
    assert told(service) == paths


def test_a_webhook_can_be_given_wherever_the_service_takes_one(tmp_path: Path) -> None:
    paths = make_bench(tmp_path).app.openapi()["paths"]
    taken = {
        path
        for path, methods in paths.items()
        for operation in methods.values()
        if any(parameter["name"] == "webhook-url" for parameter in operation.get("parameters", ()))
    }
    given = {path.replace(EVALUATION, "{evaluation_id}") for _, _, paths in CALLS.values() for path in paths}
    assert given == taken


def test_without_a_webhook_none_is_sent(call: Caller) -> None:
    service = Service(answer(evaluation(), 202))
    call(service, lambda client: client.evaluate(POLICY, env="CartPole-v1"))
    assert "webhook-url" not in service.requests[0].headers


COMMANDS: dict[str, tuple[list[str], tuple[Answer, ...], list[str]]] = {
    "evaluate": ([POLICY, "--env", "CartPole-v1"], audited(), ["/v1/evaluations"]),
    "gate": ([POLICY, "--env", "CartPole-v1", "--min-mean", "0"], audited(), ["/v1/evaluations"]),
    "extend": ([EVALUATION, "--seeds", "3"], audited(), [f"/v1/evaluations/{EVALUATION}/extend"]),
    "attack": ([POLICY, "--observations", "x.npy", "--epsilon", "1"], _attacked(), ["/v1/attacks"]),
    "landscape": ([POLICY, "--env", "CartPole-v1"], _landscape(), ["/v1/landscapes"]),
    "train": (
        ["--env", "CartPole-v1"],
        (answer(training(), 202), answer(training("succeeded"))),
        ["/v1/trainings"],
    ),
    "harden": (
        [POLICY, "--env", "CartPole-v1"],
        hardened(),
        ["/v1/trainings", "/v1/evaluations", "/v1/evaluations", "/v1/comparisons"],
    ),
    "compare": (["a", "b"], compared(), ["/v1/comparisons"]),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_that_begin_something_take_a_webhook(
    use: Use, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("x.npy").write_bytes(b"npy")
    words, answers, paths = COMMANDS[command]
    service = use(*answers)
    main([command, *words, "--webhook", HOOK])
    assert told(service) == paths


@pytest.mark.parametrize(("job", "kind"), [(evaluation(), "evaluation"), (training(), "training")])
def test_how_the_telling_went_is_asked_for_by_job_and_url(call: Caller, job: Any, kind: str) -> None:
    wanted = webhook_id(kind, job.id, HOOK)
    known = Webhook(id=wanted, kind=kind, job_id=job.id, url=HOOK, created_at=NOW, attempts=[])
    service = Service(answer(known))
    assert call(service, lambda client: client.webhook(job, HOOK)) == known
    assert service.paths == [f"GET /v1/webhooks/{wanted}"]


def test_the_secret_is_asked_for(call: Caller) -> None:
    assert call(Service(answer({"secret": SECRET})), lambda client: client.webhook_secret()) == SECRET
