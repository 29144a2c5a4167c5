"""What the card calls the inputs and outputs of a file: a role that is none is refused, not ignored."""

from collections.abc import Callable
from typing import Any

import pytest
from gymnasium import spaces
from safetensors.torch import save
from stable_baselines3 import PPO
from torch import nn

from saddlepoint.errors import PolicyRejected
from saddlepoint.schemas.policies import INPUT_ROLES, OUTPUT_ROLES
from tests.policies.networks import imported
from tests.policies.onnx_models import linear, matrix, model, node
from tests.policies.sb3_models import make, zip_of

NODES = [node("MatMul", ["obs", "w"], ["action_mean"]), node("MatMul", ["obs", "v"], ["spread"])]
FILE: bytes = model(
    NODES, {"w": matrix(), "v": matrix(seed=1)}, inputs=("obs",), outputs=("action_mean", "spread")
).SerializeToString()

ACTOR = {f"actor.{name}": weight for name, weight in nn.Sequential(nn.Linear(4, 3)).state_dict().items()}


@pytest.mark.parametrize(
    ("hints", "advice"),
    [
        (
            {"outputs": {"action_mean": "mean", "spread": "log_std"}},
            'the other way round: {"outputs": {"mean": "action_mean", "log_std": "spread"}}.',
        ),
        (
            {"outputs": {"action_mean": "mean", "log_std": "spread"}},
            'the other way round: {"outputs": {"log_std": "spread", "mean": "action_mean"}}.',
        ),
        ({"inputs": {"obs": "observation"}}, 'the other way round: {"inputs": {"observation": "obs"}}.'),
        ({"inputs": {"obs": "state_0"}}, 'the other way round: {"inputs": {"state_0": "obs"}}.'),
        ({"inputs": {"obs": "obs"}}, "Did you mean 'observation'?"),
        ({"outputs": {"logstd": "spread"}}, "Did you mean 'log_std'?"),
        ({"inputs": {"mean": "obs"}}, "It is a role of outputs: move it there."),
        ({"outputs": {"state_": "spread"}}, "Did you mean 'next_state_*'?"),
        ({"outputs": {"nothing": "mean"}}, "Correct or leave out that entry."),
    ],
)
def test_a_role_that_is_none_is_refused_with_what_was_meant(hints: dict[str, Any], advice: str) -> None:
    with pytest.raises(PolicyRejected) as caught:
        imported(FILE, **hints)
    field = next(iter(hints))
    told = str(caught.value)
    assert "is no role" in told
    assert told.endswith(advice)
    assert all(role in told for role in (INPUT_ROLES if field == "inputs" else OUTPUT_ROLES))


@pytest.mark.parametrize(
    "write",
    [
        lambda: save(ACTOR),
        lambda: linear().SerializeToString(),
        lambda: zip_of(make(PPO, "MlpPolicy", spaces.Box(-1, 1, (4,)))),
    ],
    ids=["weights", "onnx", "sb3"],
)
def test_so_it_is_in_every_format(write: Callable[[], bytes]) -> None:
    data = write()
    imported(data)
    with pytest.raises(PolicyRejected, match="'obs' is no role"):
        imported(data, inputs={"obs": "x"})
