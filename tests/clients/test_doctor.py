"""`saddlepoint doctor`: what it says of a service, and how it ends."""

import json
from pathlib import Path

import httpx
import pytest

from clients import doctor
from clients.cli import main
from clients.service_checks import look_at_service, queue_findings
from saddlepoint.schemas.checkups import Finding, Verdict
from service.metrics import Metrics
from tests.service.test_metrics import Busy

GOOD = Finding(check="python", verdict="ok", found="3.11")
BAD = Finding(check="disk", verdict="fail", found="0.1 GiB free", remedy="Make room.")


def _service(ready: int, metrics: str | int) -> httpx.Client:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/readyz":
            return httpx.Response(ready, json={"detail": "The store is full."})
        return httpx.Response(200, text=metrics) if isinstance(metrics, str) else httpx.Response(metrics)

    return httpx.Client(transport=httpx.MockTransport(answer), base_url="http://service")


def _silent() -> httpx.Client:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    return httpx.Client(transport=httpx.MockTransport(refuse), base_url="http://service")


def _metrics(workers: int, waiting: int, oldest_s: float, longest_s: float) -> str:
    return "\n".join(
        (
            f'saddlepoint_workers{{queue="evaluate",state="busy"}} {workers}.0',
            f'saddlepoint_queue_waiting{{queue="evaluate"}} {waiting}.0',
            f'saddlepoint_queue_oldest_seconds{{queue="evaluate"}} {oldest_s}',
            f'saddlepoint_job_longest_seconds{{queue="evaluate"}} {longest_s}',
        )
    )


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        (_metrics(2, 0, 0, 30), "ok"),
        (_metrics(2, 9, 599, 30), "ok"),
        (_metrics(2, 9, 601, 30), "warn"),
        (_metrics(2, 0, 0, 3601), "warn"),
        (_metrics(0, 0, 0, 0), "warn"),
        (_metrics(0, 1, 5, 0), "fail"),
    ],
)
def test_a_queue_is_judged_by_its_workers_and_by_what_waits(text: str, verdict: Verdict) -> None:
    assert {finding.check: finding.verdict for finding in queue_findings(text)} == {
        "queue validate": "warn",
        "queue evaluate": verdict,
        "queue train": "warn",
    }


def test_the_metrics_are_read_as_the_service_writes_them(redis_url: str) -> None:
    found = {finding.check: finding.found for finding in queue_findings(Metrics(Busy(redis_url)).text().decode())}
    assert found["queue evaluate"] == "workers: 2; waiting: 7, the oldest for 600 s; the longest runs for 600 s"


def test_a_service_that_is_not_ready_says_why() -> None:
    (finding,) = look_at_service(_service(503, _metrics(1, 0, 0, 0)), expected=True)
    assert finding.verdict == "fail"
    assert finding.found.endswith("The store is full.")


def test_without_an_admins_key_the_queues_are_not_looked_at() -> None:
    ready, queues = look_at_service(_service(200, 403), expected=True)
    assert (ready.verdict, queues.verdict, queues.found) == ("ok", "warn", "/metrics answers 403")


@pytest.mark.parametrize(("expected", "verdict"), [(True, "fail"), (False, "warn")])
def test_no_service_is_a_fault_where_one_was_named(expected: bool, verdict: Verdict) -> None:
    (finding,) = look_at_service(_silent(), expected=expected)
    assert finding.verdict == verdict


@pytest.mark.parametrize(("findings", "status"), [([GOOD], 0), ([GOOD, BAD], 1)])
def test_a_fault_is_the_exit_status(
    findings: list[Finding], status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "of_machine", lambda data: findings)
    monkeypatch.setattr(doctor, "look_at_service", lambda http, expected: [])
    assert main(["doctor", "--json"]) == status
    out, err = capsys.readouterr()
    assert json.loads(out) == [finding.model_dump() for finding in findings]
    assert ("disk" in err) == (status == 1)


def test_remedies_stand_below_the_findings() -> None:
    assert doctor.as_text([GOOD, BAD]).splitlines()[-1] == "disk: Make room."


def test_where_the_client_alone_is_installed_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(doctor, "find_spec", lambda name: None)
    (finding,) = doctor.of_machine(tmp_path)
    assert (finding.verdict, "the client alone" in finding.found) == ("warn", True)


def test_a_worker_that_cannot_be_imported_is_a_finding(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(doctor, "_MODULE", "no.such.module")
    (finding,) = doctor.of_machine(tmp_path)
    assert (finding.verdict, "no" in finding.found) == ("fail", True)
