"""The request in a report is the evaluation that the report is of."""

import json
import shlex

import pytest

from clients.arguments import build_parser
from saddlepoint.formats.commands import commands, minimal_spec
from saddlepoint.schemas.evaluations import EvaluationSpec, spec_hash
from saddlepoint.schemas.reports import RobustnessReport
from tests.evaluation.sample_report import sample_report


@pytest.mark.parametrize(
    "asked",
    [
        {"env": "BoxingNoFrameskip-v4"},
        {"env": {"id": "ALE/Pong-v5", "frame_stack": 2}, "seeds": [4, 9], "precision": "fp32"},
        {"env": "CartPole-v1", "epsilon": [0.1, 0.2], "attacks": [{"kind": "ce", "label": "strong", "steps": 20}]},
        {"env": {"id": "CartPole-v1", "kwargs": {"render_mode": None}}, "epsilon": 1, "require_clean_score": True},
    ],
)
def test_the_short_specification_means_the_same(asked: dict[str, object]) -> None:
    spec = EvaluationSpec.model_validate(asked)
    short = minimal_spec(spec.filled().model_dump(mode="json"))
    again = EvaluationSpec.model_validate_json(json.dumps(short))
    assert spec_hash(again, "policy") == spec_hash(spec, "policy")


def test_consecutive_seeds_and_a_plain_environment_are_written_short() -> None:
    spec = EvaluationSpec.model_validate({"env": "BoxingNoFrameskip-v4", "seeds": [0, 1, 2]})
    short = minimal_spec(spec.filled().model_dump(mode="json"))
    assert short["seeds"] == 3
    assert short["env"] == "BoxingNoFrameskip-v4"


def report_of(asked: dict[str, object], hints: dict[str, object] | None = None) -> RobustnessReport:
    spec = EvaluationSpec.model_validate(asked).filled().model_dump(mode="json")
    report = sample_report()
    return report.model_copy(update={"spec": spec, "policy": {**report.policy, "hints": hints or {}}})


def test_curl_gets_the_specification_and_the_hints_through_a_shell() -> None:
    report = report_of({"env": "BoxingNoFrameskip-v4"}, hints={"name": "it's", "layout": None})
    words = shlex.split(commands(report)[-1])
    assert words[0] == "curl"
    assert json.loads(words[4].removeprefix("spec=")) == minimal_spec(report.spec)
    assert json.loads(words[6].removeprefix("card=")) == {"name": "it's"}


@pytest.mark.parametrize(
    "asked",
    [
        {"env": "BoxingNoFrameskip-v4"},
        {"env": {"id": "ALE/Pong-v5", "frame_stack": 2}, "seeds": 4, "precision": "fp32", "action_mode": "greedy"},
        {"env": "CartPole-v1", "epsilon": [0.1, 0.2], "attacks": ["none", "ce"], "step_size": 0.05, "steps": 3},
        {
            "env": "CartPole-v1",
            "epsilon": 1,
            "attacks": ["none", {"kind": "ce", "norm": "l2", "restarts": 2}],
            "epsilon_scale": [0.5, 1.0, 1.0, 1.0],
            "when": {"kind": "every", "every": 2},
        },
    ],
)
def test_the_command_line_means_the_same(asked: dict[str, object]) -> None:
    command = shlex.split(commands(report_of(asked))[0])
    assert command[0] == "saddlepoint"
    options = build_parser().parse_args(command[1:])
    again = EvaluationSpec.model_validate(
        {
            "env": options.env,
            "epsilon": options.epsilon,
            "seeds": options.seeds,
            "episodes_per_seed": options.episodes,
            "steps": options.attack_steps,
            "step_size": options.step_size,
            "precision": options.precision,
            "action_mode": options.action_mode,
            "epsilon_scale": options.epsilon_scale,
            **({"when": options.when} if options.when else {}),
            **({"attacks": options.attacks} if options.attacks else {}),
        }
    )
    assert spec_hash(again, "policy") == spec_hash(EvaluationSpec.model_validate(asked), "policy")


@pytest.mark.parametrize(
    "asked",
    [
        {"env": "PongNoFrameskip-v4", "seeds": [3, 5]},
        {"env": "PongNoFrameskip-v4", "require_clean_score": True},
    ],
)
def test_what_the_command_line_cannot_say_is_left_to_curl(asked: dict[str, object]) -> None:
    assert [command.split()[0] for command in commands(report_of(asked))] == ["curl"]
