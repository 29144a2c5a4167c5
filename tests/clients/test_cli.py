"""The command line: what it prints, where, and how it ends."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from clients.cli import main
from saddlepoint.errors import InternalError, InvalidEpsilon, NotComparable, NotFound, UnsafePickle
from saddlepoint.schemas.attacks import ATTACKS
from saddlepoint.schemas.problems import problem_of
from tests.clients import fakes
from tests.clients.fakes import EVALUATION, POLICY, Answer, Use, answer, evaluation, json_of, refusal
from tests.clients.test_clients import attack_of, landscape_of, landscape_result
from tests.clients.trainings import CHILD, TRAINING, compared, hardened, reported, training
from tests.evaluation.sample_comparison import sample_comparison
from tests.evaluation.sample_groups import sample_groups


@pytest.fixture
def policy(tmp_path: Path) -> str:
    path = tmp_path / "policy.zip"
    path.write_bytes(b"weights")
    return str(path)


def _evaluated() -> tuple[Answer, ...]:
    return (
        answer(evaluation(), 202),
        answer(evaluation("succeeded", 10)),
        answer(fakes.report()),
        httpx.Response(200, html="<title>report</title>"),
    )


def test_evaluate_prints_the_table_and_nothing_else_on_stdout(
    use: Use, policy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    use(*_evaluated())
    assert main(["evaluate", policy, "--env", "CartPole-v1"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("attack")
    assert "Under ce it loses." in out
    assert "succeeded" in err


def test_evaluate_sends_what_was_asked_for_and_no_more(use: Use, policy: str) -> None:
    service = use(*_evaluated())
    words = "--env CartPole-v1 --epsilon 1 2 --attacks ce none --seeds 3 --episodes 2 --steps 5 --action-mode greedy"
    main(["evaluate", policy, *words.split()])
    assert fakes.json_part(service.requests[0], "spec") == {
        "env": "CartPole-v1",
        "epsilon": [1.0, 2.0],
        "attacks": [{"kind": "ce"}, {"kind": "none"}],
        "seeds": 3,
        "episodes_per_seed": 2,
        "steps": 5,
        "action_mode": "greedy",
    }


def test_the_environment_may_be_json(use: Use, policy: str) -> None:
    service = use(*_evaluated())
    main(["evaluate", policy, "--env", '{"id": "CartPole-v1"}'])
    assert fakes.json_part(service.requests[0], "spec") == {"env": {"id": "CartPole-v1"}}


def test_options_of_the_environment_are_sent(use: Use, policy: str) -> None:
    service = use(*_evaluated())
    words = "--env PongNoFrameskip-v4 --env-option frame_stack=1 frame_size=64x64 --env-option full_action_space=true"
    main(["evaluate", policy, *words.split()])
    assert fakes.json_part(service.requests[0], "spec") == {
        "env": {"id": "PongNoFrameskip-v4", "frame_stack": 1, "frame_size": [64, 64], "full_action_space": True}
    }


def test_options_are_added_to_an_environment_in_json(use: Use, policy: str) -> None:
    service = use(*_evaluated())
    main(["evaluate", policy, "--env", '{"id": "X-v0", "frame_stack": 2}', "--env-option", 'kwargs={"g": 1}'])
    assert fakes.json_part(service.requests[0], "spec") == {"env": {"id": "X-v0", "frame_stack": 2, "kwargs": {"g": 1}}}


def test_guesses_are_said_beside_the_report(use: Use, policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    card = fakes.card().model_copy(update={"guesses": ["tanh taken as the activation"]})
    report = fakes.report().model_copy(update={"policy": card.model_dump(mode="json")})
    started, ended, _, page = _evaluated()
    use(started, ended, answer(report), page)
    assert main(["evaluate", policy, "--env", "CartPole-v1"]) == 0
    assert "Guessed: tanh taken as the activation\n" in capsys.readouterr().err


def test_json_is_the_report(use: Use, policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    use(*_evaluated())
    main(["evaluate", policy, "--env", "CartPole-v1", "--json"])
    assert json.loads(capsys.readouterr().out) == fakes.report().model_dump(mode="json")


def test_out_keeps_the_report(use: Use, policy: str, tmp_path: Path) -> None:
    use(*_evaluated())
    main(["evaluate", policy, "--env", "CartPole-v1", "--out", str(tmp_path / "out")])
    saved = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert saved == ["badge.svg", "report.csv", "report.html", "report.json", "report.md"]


@pytest.mark.parametrize("command", ["evaluate POLICY --env CartPole-v1", f"watch {EVALUATION}"])
def test_an_out_that_cannot_be_written_is_named_before_anything_is_asked(
    command: str, use: Use, policy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    service = use()
    assert main([*command.replace("POLICY", policy).split(), "--out", f"{policy}/out"]) == 2
    assert "Choose another" in capsys.readouterr().err
    assert service.requests == []


def test_watch_follows_an_evaluation_to_its_report(use: Use, capsys: pytest.CaptureFixture[str]) -> None:
    use(answer(evaluation()), *_evaluated()[1:])
    assert main(["watch", EVALUATION]) == 0
    assert capsys.readouterr().out.startswith("attack")


def test_cancel_says_what_became_of_it(use: Use, capsys: pytest.CaptureFixture[str]) -> None:
    use(answer(evaluation("canceled"), 202))
    assert main(["cancel", EVALUATION]) == 0
    assert capsys.readouterr().out == f"{EVALUATION} canceled\n"


@pytest.mark.parametrize(
    ("answers", "job", "page"),
    [
        ([answer(evaluation())], EVALUATION, "evaluations"),
        ([refusal(NotFound("No such evaluation.")), answer(training())], TRAINING, "trainings"),
    ],
)
def test_open_shows_the_page_of_a_job(
    answers: list[Answer],
    job: str,
    page: str,
    use: Use,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    use(*answers)
    assert main(["open", job, "--url", "http://there"]) == 0
    out, err = capsys.readouterr()
    assert opened == [f"http://there/{page}/{job}"]
    assert out.split() == opened
    assert "no browser" in err


def test_inspect_prints_the_card(use: Use, policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    use(answer(fakes.card(), 201))
    assert main(["inspect", policy]) == 0
    lines = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert lines["network"].startswith("mlp, 10 parameters")
    assert lines["actions"] == "one of 2 choices, by logits"


def test_attacks_are_listed(use: Use, capsys: pytest.CaptureFixture[str]) -> None:
    use(answer({"items": [attack.model_dump() for attack in ATTACKS.values()], "parameters": {}}))
    assert main(["attacks"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[2:]] == list(ATTACKS)


@pytest.mark.parametrize(
    ("answers", "status"),
    [
        ((refusal(InvalidEpsilon("epsilon must not be negative.")),), 2),
        ((refusal(NotFound("There is no such thing.")),), 2),
        ((refusal(UnsafePickle("The file carries code.")),), 3),
        ((answer(evaluation(), 202), answer(evaluation("failed", error=problem_of(UnsafePickle("Code."))))), 3),
        ((answer(evaluation(), 202), answer(evaluation("canceled"))), 3),
        ((refusal(InternalError("Something broke.")),), 4),
        ((httpx.ConnectError("refused"),) * 3, 4),
        ((httpx.Response(200, text="welcome to nginx"),), 4),
    ],
    ids=["spec", "not found", "policy", "failed", "canceled", "internal", "connection", "stranger"],
)
def test_every_failure_is_a_sentence_and_a_status(
    use: Use, policy: str, answers: tuple[Any, ...], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    use(*answers)
    assert main(["evaluate", policy, "--env", "CartPole-v1"]) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[-1].startswith("saddlepoint: ")
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("evalute p.zip", "did you mean 'evaluate'?"),
        ("evaluate", "the following arguments are required: FILE, --env"),
        ("evaluate p.zip --env CartPole-v1 --epsilon small", "invalid float value: 'small'"),
        ("evaluate p.zip --env CartPole-v1 --tier papr", "did you mean 'paper'?"),
        ("evaluate p.zip --env {broken", "a name or a JSON object is needed"),
        ("evaluate p.zip --env CartPole-v1 --seeds -1", "a whole number from 1 on is needed, got '-1'"),
        ("evaluate p.zip --env CartPole-v1 --env-option frame_stack", "a setting is written field=value"),
        ("up --workers 0", "a whole number from 1 on is needed"),
        ("train --env CartPole-v1 --set steps", "a setting is written field=value"),
        ("train --env CartPole-v1 --steps 0", "a whole number from 1 on is needed"),
        ("compare a ,", "at least one id is needed"),
    ],
)
def test_a_typo_is_answered_with_help(words: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words.split())
    assert caught.value.code == 2
    assert said in capsys.readouterr().err


def test_a_missing_file_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "nowhere.zip", "--env", "CartPole-v1"]) == 2
    assert "'nowhere.zip' does not exist" in capsys.readouterr().err


def test_a_url_that_is_none_is_named(policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", policy, "--url", "localhost:8000"]) == 2
    assert "'localhost:8000'" in capsys.readouterr().err


def test_extend_sends_what_is_added_and_prints_the_larger_report(use: Use, capsys: pytest.CaptureFixture[str]) -> None:
    service = use(*_evaluated())
    words = "--seeds 9 --episodes 2 --epsilon 1 8 --attacks kl"
    assert main(["extend", EVALUATION, *words.split()]) == 0
    assert service.paths[0] == f"POST /v1/evaluations/{EVALUATION}/extend"
    assert fakes.json_of(service.requests[0]) == {
        "seeds": 9,
        "episodes_per_seed": 2,
        "epsilon": [1.0, 8.0],
        "attacks": ["kl"],
    }
    assert capsys.readouterr().out.startswith("attack")


def test_attack_writes_the_result_and_says_what_came_of_it(
    use: Use, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    service = use(answer(attack_of("succeeded")), httpx.Response(200, content=b"npz"))
    observations, out = tmp_path / "x.npy", tmp_path / "adv.npz"
    observations.write_bytes(b"numbers")
    words = ["attack", fakes.POLICY, "--observations", str(observations), "--epsilon", "4", "--out", str(out)]
    assert main([*words, "--seed", "7"]) == 0
    assert out.read_bytes() == b"npz"
    assert fakes.json_part(service.requests[0], "spec") == {"kind": "ce", "epsilon": 4.0, "seed": 7}
    assert capsys.readouterr().out.startswith("2 observations, 50.0% flipped; loss 1 -> 2")


def test_attack_without_the_file_is_wrong_usage(use: Use, capsys: pytest.CaptureFixture[str]) -> None:
    use()
    assert main(["attack", fakes.POLICY, "--observations", "nowhere.npy", "--epsilon", "4"]) == 2
    assert "nowhere.npy" in capsys.readouterr().err


def test_landscape_prints_a_row_for_each_policy_and_saves(
    use: Use, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = httpx.Response(200, html="<title>landscape</title>")
    service = use(answer(landscape_of("succeeded")), answer(landscape_result()), page)
    words = f"landscape {fakes.POLICY} --env BoxingNoFrameskip-v4 --states 8 --matrices 2 --out {tmp_path}"
    assert main(words.split()) == 0
    assert fakes.json_of(service.requests[0]) == {
        "policy_ids": [fakes.POLICY],
        "env": "BoxingNoFrameskip-v4",
        "states": 8,
        "figure5_states": 2,
    }
    rows = capsys.readouterr().out.splitlines()
    assert rows[0].split("  ")[0] == "policy"
    assert rows[2].split() == ["boxer", "8", "0.1", "1", "0.2", "2.5"]
    assert (tmp_path / "landscape.html").exists()


def test_train_prints_the_policy_and_shows_the_curve(use: Use, capsys: pytest.CaptureFixture[str]) -> None:
    service = use(answer(training(), 202), answer(training("succeeded", (1.0, 5.0, 9.0))))
    words = (
        "--env CartPole-v1 --method atpa --steps 5000 --epsilon 0.5 --seed 2 --name pole --set actors=8 anneal=false"
    )
    assert main(["train", *words.split()]) == 0
    out, err = capsys.readouterr()
    assert out == f"{CHILD}\n"
    assert "return 9.0 ▁▅█" in err
    assert json_of(service.requests[0]) == {
        "env": "CartPole-v1",
        "method": "atpa",
        "config": {"epsilon": 0.5, "steps": 5000, "actors": 8, "anneal": False},
        "seed": 2,
        "name": "pole",
    }


def test_train_leaves_policy_and_report_in_a_folder(use: Use, tmp_path: Path) -> None:
    use(answer(training(), 202), answer(training("succeeded")), *reported(), httpx.Response(200, content=b"onnx"))
    assert main(["train", "--env", "CartPole-v1", "--out", str(tmp_path / "out")]) == 0
    files = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert files.keys() == {"policy.onnx", "training.html", "training.json"}
    assert (files["policy.onnx"], files["training.html"]) == (b"onnx", b"<title>training</title>")


def test_watch_follows_a_training_to_its_policy_and_its_proof(use: Use, capsys: pytest.CaptureFixture[str]) -> None:
    ended = training("succeeded").model_copy(update={"links": {"comparison": "/v1/comparisons/c1"}})
    use(refusal(NotFound("There is no evaluation.")), answer(training()), answer(ended))
    assert main(["watch", TRAINING]) == 0
    out, err = capsys.readouterr()
    assert out == f"{CHILD}\n"
    assert "comparison: /v1/comparisons/c1\n" in err


def test_harden_prints_the_comparison_and_saves_everything(
    use: Use, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    service = use(*hardened())
    words = f"{POLICY} --env CartPole-v1 --epsilon 0.5 1 --seeds 2 --attack-steps 3 --steps 500 --seed 1"
    assert main(["harden", *words.split(), "--out", str(tmp_path / "out")]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("attack")
    assert sample_comparison().verdict in out
    assert f"policy {CHILD}\n" in err
    assert (tmp_path / "out" / "policy.onnx").read_bytes() == b"onnx"
    asked = json_of(service.requests[1])
    assert asked["evaluation"] == {"env": "CartPole-v1", "epsilon": [0.5, 1.0], "seeds": 2, "steps": 3}
    assert (asked["method"], asked["seed"], asked["config"]) == ("atpa", 1, {"epsilon": 1.0, "steps": 500})


def test_compare_takes_ids_and_lists_of_them(use: Use, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    service = use(*compared())
    assert main(["compare", "a1,a2", "b1", "--out", str(tmp_path / "out")]) == 0
    assert json_of(service.requests[0]) == {"baseline": ["a1", "a2"], "candidate": ["b1"]}
    assert capsys.readouterr().out.startswith("attack")
    assert (tmp_path / "out" / "comparison.html").exists()


def test_compare_takes_methods_by_name(use: Use, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    service = use(*compared(sample_groups()))
    assert main(["compare", "standard=a1,a2", "atpa=b1", "radial=c1", "--out", str(tmp_path / "out")]) == 0
    assert json_of(service.requests[0]) == {"groups": {"standard": ["a1", "a2"], "atpa": ["b1"], "radial": ["c1"]}}
    rows = capsys.readouterr().out.splitlines()
    assert rows[0].split()[:5] == ["method", "runs", "worst", "case", "none"]
    assert [row.split()[0] for row in rows[2:5]] == ["standard", "dataaugment", "atpa"]
    assert (tmp_path / "out" / "comparison.html").exists()


@pytest.mark.parametrize("sides", ["a", "a b c", "x=a b", "x=a x=b", "x=a"])
def test_sides_that_make_no_comparison_are_wrong_usage(
    use: Use, capsys: pytest.CaptureFixture[str], sides: str
) -> None:
    use()
    assert main(["compare", *sides.split()]) == 2
    assert "standard=A1,A2 atpa=B1,B2" in capsys.readouterr().err


def test_what_cannot_be_compared_is_wrong_usage(use: Use, capsys: pytest.CaptureFixture[str]) -> None:
    use(refusal(NotComparable("seeds is 1 in a and 2 in b.")))
    assert main(["compare", "a", "b"]) == 2
    assert "seeds is 1 in a and 2 in b. [not-comparable]" in capsys.readouterr().err
