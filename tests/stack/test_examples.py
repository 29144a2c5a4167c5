"""The examples of README.md and docs/ in Python and with curl, run against a real stack with small sizes.

What is substituted, and nothing else: the address of the service; seeds, episodes and their length, by `_small`; the
steps of trainings and the states of landscapes, by what is sent. `policy.zip` is a policy of Boxing that
Stable-Baselines3 saved, `x.npy` observations of it, and ID, `a1` to `b3` are evaluations.
"""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces
from stable_baselines3 import PPO

from clients import AttackClient, hardening, operations
from clients.background import RunningStack
from clients.operations import Operations
from clients.requests import SpecFields, evaluation_spec
from clients.watched import Training
from clients.wire import Flow
from saddlepoint.errors import UnverifiedWebhook
from tests.examples import ROOT, Block, blocks, commands
from tests.policies.sb3_models import PIXELS_LAST, make, zip_of
from tests.stack.policies import balancing_cartpole

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
ADDRESS = "http://127.0.0.1:8000"
SHORT: SpecFields = {
    "epsilon": 0.1,
    "attacks": ["none", "ce"],
    "seeds": 2,
    "episodes_per_seed": 1,
    "max_episode_steps": 10,
}
TINY = {"steps": 64, "actors": 4, "horizon": 16, "minibatch": 64}
_OF_THE_CLIENT = re.compile(r"\b(clients?|\w*AttackClient)\b")


def _small(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {**spec, "tier": None, "seeds": [0, 1], "episodes_per_seed": 1, "max_episode_steps": 5}


@pytest.fixture(scope="module")
def evaluations(client: AttackClient, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Six evaluations of one specification, of policies that differ."""
    folder = tmp_path_factory.mktemp("methods")
    found = {}
    for number, name in enumerate(("a1", "a2", "a3", "b1", "b2", "b3")):
        policy = balancing_cartpole(folder / f"{name}.onnx", gain=4.0 + number)
        found[name] = client.evaluate(policy, env="CartPole-v1", **SHORT).id
    for evaluation in found.values():
        client.wait(evaluation, progress=False)
    return found


@pytest.fixture
def _users_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("policy.zip").write_bytes(zip_of(make(PPO, "CnnPolicy", PIXELS_LAST, spaces.Discrete(18))))
    np.save("x.npy", np.zeros((2, 4, 84, 84), np.uint8))


@pytest.fixture
def _small_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    def train(self: Operations, body: Mapping[str, Any]) -> Flow[Training]:
        return (yield from begin_training(self, {**body, "config": {**body.get("config", {}), **TINY}}))

    begin_training = Operations.begin_training
    monkeypatch.setattr(Operations, "begin_training", train)
    for module in (operations, hardening):
        monkeypatch.setattr(module, "evaluation_spec", lambda env, spec: _small(evaluation_spec(env, spec)))


@pytest.mark.usefixtures("_users_folder", "_small_sizes")
def test_examples_in_python_run_one_after_the_other(stack: RunningStack, evaluations: dict[str, str]) -> None:
    names: dict[str, Any] = dict(evaluations)
    opened: set[AttackClient] = set()  # each page opens its own
    for block in blocks("python"):
        if _OF_THE_CLIENT.search(block.text):  # how to extend Saddlepoint is shown with code of its own modules
            exec(compile(block.text.replace(ADDRESS, stack.url), str(block), "exec"), names)
            opened.add(names["client"])
    assert (Path("report") / "report.html").is_file()
    assert names["receive"]({}, b"") == UnverifiedWebhook.status
    for client in opened:
        client.close()


def _curls() -> Iterator[tuple[Block, list[str]]]:
    for block in blocks("shell"):
        yield from ((block, words) for words in commands(block.text) if words[0] == "curl")


@pytest.mark.usefixtures("_users_folder")
@pytest.mark.parametrize(("block", "words"), [pytest.param(*found, id=f"{found[0]}") for found in _curls()])
def test_requests_with_curl_are_answered(
    block: Block, words: list[str], stack: RunningStack, evaluations: dict[str, str]
) -> None:
    del block
    sent = [_smaller(word.replace(ADDRESS, stack.url).replace("/ID", f"/{evaluations['a1']}")) for word in words]
    done = subprocess.run([*sent, "--silent", "--fail"], capture_output=True, text=True, check=True)
    assert done.stdout


def _smaller(word: str) -> str:
    """A specification with small sizes; any other word as it is."""
    name, equals, text = word.partition("=")
    return f"spec={json.dumps(_small(json.loads(text)))}" if (name, equals) == ("spec", "=") else word


def test_the_examples_are_found() -> None:
    assert len(blocks("python")) >= 2
    assert len(list(_curls())) >= 3
    assert (ROOT / "README.md").is_file()
