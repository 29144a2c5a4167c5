"""The images work together, as strangers would run them."""

import pickle
from pathlib import Path

import onnx
import pytest

from clients import AttackClient
from saddlepoint.errors import ExternalDataForbidden, UnsafePickle
from tests.compose.conftest import await_ready
from tests.compose.engine import Compose
from tests.policies.test_onnx_hostile import external
from tests.stack.policies import balancing_cartpole, random_boxer

pytestmark = [pytest.mark.compose, pytest.mark.timeout(1800)]


def test_a_policy_of_a_gymnasium_environment_is_evaluated(client: AttackClient, tmp_path: Path) -> None:
    policy = balancing_cartpole(tmp_path / "cartpole.onnx")
    report = client.robustness_report(policy, env="CartPole-v1", tier="quick", epsilon=0.1, progress=False)
    assert [(cell.attack, cell.episodes) for cell in report.cells] == [
        (kind, 30) for kind in ("none", "random", "max", "min", "ce")
    ]
    assert report.cell("none").mean > report.reference.random_policy.mean
    assert "<svg" in (report.save(tmp_path) / "report.html").read_text(encoding="utf-8")


def test_an_atari_policy_is_evaluated(client: AttackClient, tmp_path: Path) -> None:
    policy = random_boxer(tmp_path / "boxing.safetensors")
    report = client.robustness_report(
        policy, env="BoxingNoFrameskip-v4", seeds=2, episodes_per_seed=1, max_episode_steps=20, progress=False
    )
    assert {length for cell in report.cells for length in cell.lengths} == {20}
    assert 0 < report.cell("ce").max_linf <= 4


def test_a_small_training_ends_in_a_policy(client: AttackClient) -> None:
    training = client.train(env="CartPole-v1", config={"steps": 2048})
    assert client.wait(training, progress=False, timeout_s=300).policy_id in {card.id for card in client.policies()}


def test_a_model_that_refers_to_a_file_of_ours_is_refused(client: AttackClient, tmp_path: Path) -> None:
    onnx.save(external("/etc/passwd"), str(tmp_path / "reader.onnx"))
    with pytest.raises(ExternalDataForbidden):
        client.upload(tmp_path / "reader.onnx")


def test_a_pickle_is_refused(client: AttackClient, tmp_path: Path) -> None:
    (tmp_path / "policy.pt").write_bytes(pickle.dumps({"weights": [1.0]}))
    with pytest.raises(UnsafePickle):
        client.upload(tmp_path / "policy.pt")


def test_what_was_found_survives_a_restart_of_everything(
    compose: Compose, client: AttackClient, tmp_path: Path
) -> None:
    policy = balancing_cartpole(tmp_path / "cartpole.onnx")
    before = client.robustness_report(policy, env="CartPole-v1", epsilon=0.05, tier="smoke", progress=False)
    compose.run("restart")
    await_ready(compose)
    assert client.robustness_report(policy, env="CartPole-v1", epsilon=0.05, tier="smoke", progress=False) == before
