"""Containers die, come back and are given company, and what was accepted gets done once."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from clients import AttackClient
from saddlepoint.schemas.evaluations import Evaluation
from tests.compose.conftest import await_ready
from tests.compose.engine import Compose
from tests.processes import wait_until
from tests.stack.policies import balancing_cartpole

pytestmark = [pytest.mark.compose, pytest.mark.timeout(1800)]

DONE_S = 600.0
BACK_S = 60.0


@contextmanager
def under_way(client: AttackClient, folder: Path, epsilon: float) -> Iterator[Evaluation]:
    """An evaluation of which some episodes are played; at the end it is waited for and looked at."""
    policy = balancing_cartpole(folder / "cartpole.onnx")
    begun = client.evaluate(policy, env="CartPole-v1", tier="quick", epsilon=epsilon)
    wait_until(lambda: client.evaluation(begun.id).status == "processing", within_s=BACK_S, what="an evaluation begun")
    yield begun
    client.wait(begun, progress=False, timeout_s=DONE_S)
    report = client.report(begun)
    assert [(cell.attack, cell.episodes) for cell in report.cells] == [
        (kind, 30) for kind in ("none", "random", "max", "min", "ce")
    ]


def await_restart(compose: Compose, service: str, before: int) -> None:
    def is_back() -> bool:
        container = compose.container(service)
        return bool(container["State"]["Running"] and container["RestartCount"] > before)

    wait_until(is_back, within_s=BACK_S, what=f"{service} back")


@pytest.mark.parametrize(
    ("service", "epsilon"), [("worker", 0.11), ("service", 0.12), ("redis", 0.13), ("reconciler", 0.14)]
)
def test_a_container_that_crashes_amid_an_evaluation_comes_back(
    compose: Compose, client: AttackClient, tmp_path: Path, service: str, epsilon: float
) -> None:
    with under_way(client, tmp_path, epsilon):
        before = compose.container(service)["RestartCount"]
        compose.crash(service)
        await_restart(compose, service, before)
        await_ready(compose)


def test_an_upload_outlives_its_validator(compose: Compose, client: AttackClient, tmp_path: Path) -> None:
    before = compose.container("validator")["RestartCount"]
    compose.crash("validator")
    card = client.upload(balancing_cartpole(tmp_path / "cartpole.onnx"))
    await_restart(compose, "validator", before)
    assert card.id in {found.id for found in client.policies()}


def test_a_training_outlives_its_trainer(compose: Compose, client: AttackClient) -> None:
    training = client.train(env="CartPole-v1", config={"steps": 16384})
    wait_until(lambda: client.training(training.id).status == "processing", within_s=BACK_S, what="a training begun")
    before = compose.container("trainer")["RestartCount"]
    compose.crash("trainer")
    await_restart(compose, "trainer", before)
    assert client.wait(training, progress=False, timeout_s=DONE_S).policy_id is not None


def test_redis_may_be_restarted_amid_an_evaluation(compose: Compose, client: AttackClient, tmp_path: Path) -> None:
    with under_way(client, tmp_path, 0.15):
        compose.run("restart", "redis")
        await_ready(compose)


def test_two_workers_share_an_evaluation(compose: Compose, client: AttackClient, tmp_path: Path) -> None:
    compose.run("up", "--detach", "--no-recreate", "--scale", "worker=2")
    assert len(compose.containers("worker")) == 2
    with under_way(client, tmp_path, 0.16):
        pass
    assert len(workers_at_work(compose)) == 2
    compose.run("up", "--detach", "--no-recreate", "--scale", "worker=1")


def workers_at_work(compose: Compose) -> list[str]:
    """The names of workers alive that have finished a shard."""
    names = compose.execute("redis", "redis-cli", "--raw", "smembers", "rq:workers:evaluate").split()
    done = {name: compose.execute("redis", "redis-cli", "hget", name, "successful_job_count") for name in names}
    return [name for name, count in done.items() if int(count.strip() or 0) > 0]
