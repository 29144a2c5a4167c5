"""The gate, from Python and from the command line: one verdict, whatever asks for it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from clients import Gated, Report
from clients.cli import main
from saddlepoint.errors import InvalidRequest, InvalidSpec, NotComparable, NotFound, Unauthenticated
from saddlepoint.schemas.comparisons import ComparisonResult, ComparisonSpec
from saddlepoint.schemas.reports import RobustnessReport
from tests.clients import fakes
from tests.clients.fakes import EVALUATION, Answer, Service, Use, answer, evaluation, json_of, refusal
from tests.clients.trainings import comparison_of
from tests.evaluation.sample_comparison import sample_comparison
from tests.evaluation.sample_report import sample_report

Caller = Callable[..., Any]
BASELINE = "b" * 32


def report() -> RobustnessReport:
    """Normalised worst case 0.5 in [0.4, 0.6]."""
    sample = sample_report()
    assert sample.worst_case is not None
    worst = sample.worst_case.model_copy(update={"normalized": 0.5, "normalized_ci95": (0.4, 0.6)})
    return sample.model_copy(update={"id": EVALUATION, "worst_case": worst})


def ended() -> tuple[Answer, ...]:
    return (
        answer(evaluation("succeeded", 10)),
        answer(report()),
        httpx.Response(200, html="<title>report</title>"),
    )


def compared_with_baseline() -> tuple[Answer, ...]:
    spec = ComparisonSpec(baseline=(BASELINE,), candidate=(EVALUATION,))
    result: ComparisonResult = sample_comparison().model_copy(update={"spec": spec})
    return (
        answer(comparison_of("succeeded"), 202),
        answer(result),
        httpx.Response(200, html="<title>comparison</title>"),
        httpx.Response(200, text="| attack |"),
    )


@pytest.fixture
def policy(tmp_path: Path) -> str:
    path = tmp_path / "policy.zip"
    path.write_bytes(b"weights")
    return str(path)


def test_a_policy_is_evaluated_and_judged(call: Caller, policy: str) -> None:
    service = Service(answer(evaluation(), 202), *ended())
    gated: Gated = call(
        service, lambda client: client.gate(policy, env="CartPole-v1", epsilon=1, min_normalized=0.4, progress=False)
    )
    assert gated.passed
    assert fakes.json_part(service.requests[0], "spec") == {"env": "CartPole-v1", "epsilon": 1}


def test_an_evaluation_is_waited_for_and_judged(call: Caller) -> None:
    service = Service(*ended())
    gated: Gated = call(service, lambda client: client.gate(EVALUATION, min_normalized=0.5, progress=False))
    assert not gated.passed
    assert gated.failures[0].startswith("The normalised worst case (ce at epsilon 4) is 0.5 and its 95% interval")
    assert service.paths[0] == f"GET /v1/evaluations/{EVALUATION}"


def test_a_report_is_judged_without_asking_the_service(call: Caller) -> None:
    given = Report.model_validate(report().model_dump())
    assert call(Service(), lambda client: client.gate(given, min_normalized=0.4)).passed


def test_a_baseline_is_compared_with(call: Caller, tmp_path: Path) -> None:
    service = Service(answer(evaluation("succeeded")), *ended(), *compared_with_baseline())
    gated: Gated = call(service, lambda client: client.gate(EVALUATION, baseline=BASELINE, progress=False))
    assert json_of(service.requests[4]) == {"baseline": [BASELINE], "candidate": [EVALUATION]}
    assert [check.name for check in gated.gate.checks] == ["baseline", "attacks"]
    saved = {path.name for path in gated.save(tmp_path / "out").iterdir()}
    assert {"comparison.html", "gate.json", "junit.xml", "badge.svg", "report.md"} <= saved


def test_the_same_evaluation_as_the_baseline_is_not_compared_with_itself(call: Caller) -> None:
    service = Service(answer(evaluation("succeeded")), *ended())
    gated: Gated = call(service, lambda client: client.gate(EVALUATION, baseline=EVALUATION, progress=False))
    assert gated.passed
    assert gated.comparison is None


@pytest.mark.parametrize(
    ("subject", "asked", "error", "words"),
    [
        (EVALUATION, {}, InvalidSpec, "min_normalized"),
        (EVALUATION, {"min_mean": 1.0, "epsilon": 4}, InvalidRequest, "epsilon is of an evaluation to come"),
        (EVALUATION, {"min_mean": 1.0, "card": {"layout": "nhwc"}}, InvalidRequest, "give env"),
        (Path("policy.zip"), {"min_mean": 1.0}, InvalidRequest, "is a policy"),
        (evaluation(), {"min_mean": 1.0, "env": "CartPole-v1"}, InvalidRequest, "leave env out"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_played(
    call: Caller, subject: Any, asked: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        call(Service(), lambda client: client.gate(subject, **asked))


def test_a_baseline_that_is_not_there_is_refused_before_anything_is_played(call: Caller, policy: str) -> None:
    service = Service(refusal(NotFound("There is no such evaluation.")))
    with pytest.raises(NotFound):
        call(service, lambda client: client.gate(policy, env="CartPole-v1", baseline=BASELINE))


@pytest.mark.parametrize(("least", "status"), [("0.4", 0), ("0.45", 1)])
def test_the_exit_status_is_the_verdict(use: Use, least: str, status: int, capsys: pytest.CaptureFixture[str]) -> None:
    use(*ended())
    assert main(["gate", EVALUATION, "--min-normalized", least]) == status
    out, err = capsys.readouterr()
    assert out.startswith("attack")
    assert "normalised worst case  " in out
    assert ("Passed: " in err, "[gate-failed]" in err) == (status == 0, status == 1)


def test_files_and_json_say_what_the_exit_status_says(
    use: Use, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    use(*ended())
    junit, badge, out = tmp_path / "ci" / "junit.xml", tmp_path / "badge.svg", tmp_path / "out"
    words = ["--min-mean", "1e6", "--max-drop", "1e6", "--json"]
    files = ["--junit", str(junit), "--badge", str(badge), "--out", str(out)]
    assert main(["gate", EVALUATION, *words, *files]) == 1
    printed = json.loads(capsys.readouterr().out)
    assert (printed["evaluation_id"], printed["passed"]) == (EVALUATION, False)
    assert [check["passed"] for check in printed["checks"]] == [False, True, True]
    assert ElementTree.parse(junit).getroot().attrib["failures"] == "1"
    assert "robustness: failed" in badge.read_text(encoding="utf-8")
    assert json.loads((out / "gate.json").read_text(encoding="utf-8"))["passed"] is False
    assert "Gate **failed**" in (out / "report.md").read_text(encoding="utf-8")
    assert (out / "junit.xml").read_bytes() == junit.read_bytes()


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ([EVALUATION], 2),
        ([EVALUATION, "--min-mean", "1", "--epsilon", "4"], 2),
        ([EVALUATION, "--min-mean", "1", "--env-option", "frame_stack=1"], 2),
    ],
)
def test_wrong_usage_is_not_a_verdict(use: Use, words: list[str], status: int) -> None:
    use()
    assert main(["gate", *words]) == status


def test_a_threshold_must_be_a_finite_number(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["gate", EVALUATION, "--min-mean", "nan"])
    assert "a finite number is needed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("answers", "status"),
    [
        ([answer(evaluation("canceled"))], 3),
        ([refusal(Unauthenticated("A key is needed."))], 4),
        ([answer(evaluation("succeeded")), *ended(), refusal(NotComparable("seeds is 1 in a and 2 in b."))], 2),
    ],
)
def test_what_cannot_be_judged_is_not_a_verdict_either(use: Use, answers: list[Answer], status: int) -> None:
    use(*answers)
    baseline = ["--baseline", BASELINE] if status == 2 else []
    assert main(["gate", EVALUATION, "--min-mean", "1", *baseline]) == status
