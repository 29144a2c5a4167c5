"""What `saddlepoint inspect` shows of a policy."""

from typing import Any

from clients.cards import card_text
from saddlepoint.schemas.policies import InputDescription, OutputDescription, PolicyHints
from tests.clients import fakes

SAC = {
    "name": "walker",
    "format": "sb3-zip",
    "head": "gaussian",
    "squash": "tanh",
    "actions": 6,
    "observation": InputDescription(shape=(17,)),
    "observation_space": {"kind": "Box", "shape": [17], "dtype": "float64", "low": None, "high": None},
    "action_space": {"kind": "Box", "shape": [6], "dtype": "float32", "low": -1.0, "high": [1.0] * 6},
    "contents": ["data: plain text read; 4 pickled objects dropped unread", "policy.optimizer.pth: ignored"],
    "guesses": ["observations are not normalised: the pickle 'vec_normalize.pkl' is not read here; " + "x " * 20],
    "hints": PolicyHints(observation_clip=10.0, name="walker"),
    "max_disagreement": 2.4e-7,
}


def shown(**fields: Any) -> str:
    return card_text(fakes.card().model_copy(update=fields))


def test_a_policy_of_numbers_on_one_screen() -> None:
    assert shown(**SAC).splitlines() == [
        f"policy       {fakes.POLICY} walker",
        "file         sb3-zip, 123 bytes",
        "             data: plain text read; 4 pickled objects dropped unread",
        "             policy.optimizer.pth: ignored",
        "network      mlp, 10 parameters; torch and onnxruntime are 2e-07 apart",
        "observation  [17] float32",
        "             the file says: Box shape [17], dtype float64",
        "actions      6 numbers, by gaussian; their tanh is taken to the environment's bounds (squash tanh)",
        "             the file says: Box shape [6], dtype float32, low -1, high [1.0, 1.0, 1.0, 1.0, ... 6 in",
        "               all]",
        "value        no",
        "critic       no",
        "states       none: it remembers nothing",
        "hints        observation_clip: 10",
        "guesses      observations are not normalised: the pickle 'vec_normalize.pkl' is not read here; x x x",
        "               x x x x x x x x x x x x x x x x x",
    ]


def test_a_policy_of_choices() -> None:
    value = [OutputDescription(name="logits", shape=(2,)), OutputDescription(name="value", shape=())]
    lines = shown(outputs=value, states=[InputDescription(shape=(2, 128))]).splitlines()
    assert "actions      one of 2 choices, by logits" in lines
    assert "value        yes" in lines
    assert "states       [2, 128]" in lines
    assert lines[-1] == "guesses      none: the file says all that matters"
    assert not any(line.startswith("hints") for line in lines)


def test_a_gaussian_in_the_units_of_the_environment() -> None:
    text = shown(head="gaussian", actions=1, fixed_deviation=True)
    assert (
        "actions      1 number, by gaussian, one deviation for all observations; clipped to the environment's\n"
        "               bounds (squash none)" in text
    )


def test_a_policy_that_divides_its_observations_tells_by_what() -> None:
    lines = shown(observation_std=[0.5, 0.04, 20.0]).splitlines()
    assert "             divided by 0.04 to 20, in which epsilon_scale observation_std lets epsilon count" in lines
    assert shown(observation_std=[255.0] * 3) == shown()
