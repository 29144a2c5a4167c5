"""Training, hardening and comparing, by both clients against a scripted service."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from clients import ComparisonReport, GroupsReport, Hardened, TrainedReport, operations
from saddlepoint.errors import Conflict, JobFailed, NotComparable, NotFound, ReportNotReady
from saddlepoint.schemas.problems import problem_of
from saddlepoint.schemas.trainings import Proof
from tests.clients import fakes
from tests.clients.fakes import EVALUATION, POLICY, Service, answer, evaluation, json_of, refusal
from tests.clients.trainings import CHILD, COMPARISON, TRAINING, compared, comparison_of, hardened, reported, training
from tests.evaluation.sample_comparison import sample_comparison
from tests.evaluation.sample_groups import sample_groups
from tests.evaluation.sample_training import compared_training, sample_training

Caller = Callable[..., Any]
EVALUATED = {"env": "CartPole-v1", "epsilon": [0.5], "seeds": [0, 1], "precision": "fp32"}


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.zip"
    path.write_bytes(b"weights")
    return path


def test_a_training_from_nothing_is_one_post(call: Caller) -> None:
    service = Service(answer(training(), 202))
    started = call(service, lambda client: client.train(env="CartPole-v1", method="atpa", config={"epsilon": 1}))
    assert started == training()
    assert service.paths == ["POST /v1/trainings"]
    assert json_of(service.requests[0]) == {"env": "CartPole-v1", "method": "atpa", "config": {"epsilon": 1}}


def test_a_training_of_a_file_sends_it_first(call: Caller, policy: Path) -> None:
    service = Service(answer(fakes.card(), 201), answer(training(), 202))
    call(service, lambda client: client.train(policy, env="CartPole-v1", seed=3, card={"layout": "nhwc"}))
    assert service.paths == ["POST /v1/policies", "POST /v1/trainings"]
    assert fakes.json_part(service.requests[0], "card") == {"layout": "nhwc"}
    assert json_of(service.requests[1]) == {"env": "CartPole-v1", "policy_id": POLICY, "seed": 3}


def test_a_comparison_is_waited_for_and_saved(call: Caller, tmp_path: Path) -> None:
    service = Service(*compared())
    found: ComparisonReport = call(service, lambda client: client.compare(fakes.report(), ["e2", evaluation()]))
    assert json_of(service.requests[0]) == {"baseline": [EVALUATION], "candidate": ["e2", EVALUATION]}
    assert service.paths[2:] == [
        f"GET /v1/comparisons/{COMPARISON}/result?format={form}" for form in ("json", "html", "md")
    ]
    assert (found.verdict, found.markdown) == (sample_comparison().verdict, "| attack |")
    folder = found.save(tmp_path / "out")
    assert sorted(path.name for path in folder.iterdir()) == ["comparison.html", "comparison.json", "comparison.md"]


def test_several_methods_are_compared_by_name(call: Caller, tmp_path: Path) -> None:
    service = Service(*compared(sample_groups()))
    groups = {"standard": [fakes.report()], "atpa": ["e2", evaluation()], "radial": "e3"}
    found: GroupsReport = call(service, lambda client: client.compare(groups=groups))
    asked = {"standard": [EVALUATION], "atpa": ["e2", EVALUATION], "radial": ["e3"]}
    assert json_of(service.requests[0]) == {"groups": asked}
    assert (found.verdict, found.markdown) == (sample_groups().verdict, "| attack |")
    folder = found.save(tmp_path / "out")
    assert sorted(path.name for path in folder.iterdir()) == ["comparison.html", "comparison.json", "comparison.md"]


def test_a_comparison_that_is_refused_or_fails_says_why(call: Caller) -> None:
    error = NotComparable("seeds is 1 in a and 2 in b.")
    with pytest.raises(NotComparable, match="seeds is 1"):
        call(Service(refusal(error)), lambda client: client.compare("a", "b"))
    failed = comparison_of("failed") | {"error": problem_of(error).model_dump(mode="json")}
    with pytest.raises(JobFailed, match=r"comparison .* failed: seeds is 1"):
        call(Service(answer(failed)), lambda client: client.compare("a", "b"))


def harden(client: Any, policy: str | Path = POLICY, **more: Any) -> Any:
    return client.harden(policy, env="CartPole-v1", epsilon=[0.25, 0.5], seeds=2, progress=False, **more)


def test_hardening_asks_for_the_whole_and_follows_it_step_by_step(call: Caller) -> None:
    service = Service(*hardened(EVALUATED))
    found: Hardened = call(service, lambda client: harden(client, config={"steps": 1000}))
    asked = json_of(service.requests[1])
    assert asked == {
        "env": "CartPole-v1",
        "policy_id": POLICY,
        "method": "atpa",
        "seed": 0,
        "config": {"epsilon": 0.5, "steps": 1000},
        "evaluation": {"env": "CartPole-v1", "epsilon": [0.25, 0.5], "seeds": 2},
    }
    posts = [json_of(request) for request in service.requests if request.method == "POST"]
    parent, child = posts[1:3]
    assert (parent["policy_id"], child["policy_id"]) == (POLICY, CHILD)
    assert {**parent, "policy_id": CHILD} == child
    assert (child["precision"], child["epsilon"]) == ("fp32", [0.5]), "as the service has decided it"
    assert posts[3] == {"baseline": [EVALUATION], "candidate": [EVALUATION]}
    assert service.paths[-1] == f"GET /v1/policies/{CHILD}/file?format=onnx"
    assert (found.policy_id, found.model, found.training.id) == (CHILD, b"onnx", TRAINING)


REPORT = ("badge.svg", "report.csv", "report.html", "report.json", "report.md")


def test_what_was_hardened_is_saved_with_its_proof(call: Caller, policy: Path, tmp_path: Path) -> None:
    service = Service(*hardened(EVALUATED))
    found: Hardened = call(service, lambda client: harden(client, policy))
    assert service.paths[0] == "POST /v1/policies"
    folder = found.save(tmp_path / "out")
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()) == [
        *(f"child/{name}" for name in REPORT),
        "comparison.html",
        "comparison.json",
        "comparison.md",
        *(f"parent/{name}" for name in REPORT),
        "policy.onnx",
        "training.html",
        "training.json",
    ]


def test_a_training_that_was_evaluated_otherwise_is_not_done_again(call: Caller) -> None:
    refused = refusal(Conflict("The training is there with another evaluation."))
    card, *rest = hardened()
    service = Service(card, refused, *rest)
    call(service, harden)
    first, second = (json_of(request) for request in service.requests[1:3])
    assert {name: value for name, value in first.items() if name != "evaluation"} == second
    assert json_of(service.requests[3]) == {
        "env": "CartPole-v1", "epsilon": [0.25, 0.5], "seeds": 2, "policy_id": POLICY
    }  # fmt: skip


def test_the_training_is_against_what_is_evaluated_unless_told(call: Caller) -> None:
    service = Service(*hardened())
    call(service, lambda client: harden(client, config={"epsilon": 0.1}, epsilon_scale=[1.0, 2.0, 1.0, 2.0]))
    assert json_of(service.requests[1])["config"] == {"epsilon": 0.1, "epsilon_scale": [1.0, 2.0, 1.0, 2.0]}


def test_deviations_of_the_parent_are_the_unit_of_both(call: Caller) -> None:
    card = fakes.card().model_copy(update={"observation_std": [1.0, 2.0, 3.0, 4.0]})
    _, *rest = hardened()
    service = Service(answer(card), *rest)
    call(service, lambda client: harden(client, epsilon_scale="observation_std"))
    asked = json_of(service.requests[1])
    assert asked["evaluation"]["epsilon_scale"] == asked["config"]["epsilon_scale"] == [1.0, 2.0, 3.0, 4.0]


def test_both_play_their_best_action_where_the_parent_has_q_values(call: Caller) -> None:
    """A training that is there with another evaluation is evaluated from here, where the service decides nothing."""
    card = fakes.card().model_copy(update={"head": "q_values"})
    _, begun, *rest = hardened()
    service = Service(answer(card), refusal(Conflict("Evaluated otherwise.")), begun, *rest)
    call(service, harden)
    posts = [json_of(request) for request in service.requests if request.method == "POST"]
    assert [posts[0]["evaluation"]["action_mode"], *(post["action_mode"] for post in posts[2:4])] == ["greedy"] * 3


def test_an_interrupt_leaves_everything_running_and_says_so(call: Caller, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    service = Service(answer(fakes.card()), answer(training(), 202), answer(evaluation(), 202), answer(evaluation()))
    with pytest.raises(KeyboardInterrupt):
        call(service, lambda client: client.harden(POLICY, env="CartPole-v1", epsilon=1, progress=interrupt))
    said = capsys.readouterr().err
    assert "the same command comes back to it" in said
    assert f"saddlepoint watch {TRAINING}" in said
    assert not any("cancel" in path for path in service.paths)


def test_a_training_that_fails_is_raised(call: Caller) -> None:
    error = problem_of(JobFailed("Three attempts in vain."))
    failed = training().model_copy(update={"status": "failed", "error": error})
    card, begun, *rest = hardened()
    service = Service(card, begun, *rest[:4], answer(failed))
    with pytest.raises(JobFailed, match="Three attempts in vain"):
        call(service, harden)


def test_stages_are_told_where_progress_is_drawn(call: Caller, capsys: pytest.CaptureFixture[str]) -> None:
    call(Service(*hardened()), lambda client: client.harden(POLICY, env="CartPole-v1", epsilon=1))
    told = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("succeeded")]
    assert told == [
        f"Audit: evaluation {EVALUATION}",
        f"Hardening by atpa: training {TRAINING}",
        f"Audit of what came of it: evaluation {EVALUATION}",
        "Comparing the two",
    ]


def test_a_hardened_policy_has_the_comparison_as_its_table(call: Caller) -> None:
    table = call(Service(*hardened()), harden).table().splitlines()
    header = "attack epsilon baseline atpa difference 95% interval kept, baseline kept, atpa"
    assert table[0].split() == header.split()
    assert [row.split()[0] for row in table[2:6]] == ["none", "random", "ce", "ce"]
    assert sample_comparison().verdict in table


def test_the_file_of_a_policy_is_read_as_it_comes() -> None:
    service = Service(*hardened()[:-1], httpx.Response(200, content=b"\x00onnx"))
    found: Hardened = fakes.call(service, harden)
    assert found.model == b"\x00onnx"


def test_the_report_of_a_training_is_waited_for_until_it_has_its_comparison(
    call: Caller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "REPORT_POLL_S", 0.0)
    pending, done = (
        training("succeeded").model_copy(update={"proof": Proof(is_pending=is_pending, comparison=COMPARISON)})
        for is_pending in (True, False)
    )
    not_yet, first = refusal(ReportNotReady("The report is being made.")), answer(sample_training())
    _, numbers, page = reported()
    service = Service(
        answer(pending), not_yet, answer(pending), first, answer(done), first, answer(done), numbers, page
    )
    found: TrainedReport = call(service, lambda client: client.training_report(TRAINING))
    assert found.comparison == compared_training().comparison
    assert service.paths[-1] == f"GET /v1/trainings/{TRAINING}/report?format=html"
    folder = found.save(tmp_path / "out")
    assert (folder / "training.html").read_text(encoding="utf-8") == "<title>training</title>"


def test_a_training_that_goes_on_has_no_report(call: Caller) -> None:
    service = Service(answer(training("processing")), refusal(ReportNotReady("The training is processing.")))
    with pytest.raises(ReportNotReady, match="is processing"):
        call(service, lambda client: client.training_report(TRAINING))


def test_a_comparison_that_takes_long_is_not_waited_for(call: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "REPORT_S", -1.0)
    pending = training("succeeded").model_copy(update={"proof": Proof(is_pending=True)})
    _, _, page = reported()
    service = Service(answer(pending), answer(sample_training()), page)
    assert call(service, lambda client: client.training_report(TRAINING)).comparison is None


def test_a_report_that_cannot_be_made_costs_nothing_else(call: Caller, tmp_path: Path) -> None:
    *before, _, _, model = hardened()
    service = Service(*before, refusal(NotFound("There will be no report of this training.")), model)
    found: Hardened = call(service, harden)
    assert (found.report, found.model) == (None, b"onnx")
    assert not (found.save(tmp_path / "out") / "training.html").exists()
