"""The images work together, as strangers would run them."""

from pathlib import Path

import pytest

from clients import AttackClient
from tests.compose.conftest import await_ready
from tests.compose.engine import Compose
from tests.stack.policies import balancing_cartpole, random_boxer

pytestmark = [pytest.mark.compose, pytest.mark.timeout(1800)]

PROGRAMS = ("service", "validator", "worker", "reconciler", "trainer")
ENGINE = ("validator", "worker", "trainer")


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


def test_what_was_found_survives_a_restart_of_everything(
    compose: Compose, client: AttackClient, tmp_path: Path
) -> None:
    policy = balancing_cartpole(tmp_path / "cartpole.onnx")
    before = client.robustness_report(policy, env="CartPole-v1", epsilon=0.05, tier="smoke", progress=False)
    compose.run("restart")
    await_ready(compose)
    assert client.robustness_report(policy, env="CartPole-v1", epsilon=0.05, tier="smoke", progress=False) == before


@pytest.mark.parametrize("program", PROGRAMS)
def test_no_program_runs_as_root(compose: Compose, program: str) -> None:
    assert compose.run("exec", "-T", program, "id", "-u").strip() == "10001"


@pytest.mark.parametrize("program", ENGINE)
def test_the_cpu_images_hold_no_cuda(compose: Compose, program: str) -> None:
    packages = compose.run("exec", "-T", program, "python", "-m", "pip", "list", "--format=freeze").split()
    assert [name for name in packages if name.startswith(("nvidia", "cuda", "triton"))] == []
    assert [name for name in packages if name.startswith("torch==")] == ["torch==2.13.0+cpu"]


def test_the_service_image_holds_no_engine(compose: Compose) -> None:
    packages = compose.run("exec", "-T", "service", "python", "-m", "pip", "list", "--format=freeze")
    assert not {"torch", "numpy", "onnx", "onnxruntime"} & {line.partition("==")[0] for line in packages.split()}
