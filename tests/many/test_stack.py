"""A whole stack on a bucket: all that a client asks for works, and a bucket that is away is a 503."""

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from clients import AttackClient
from clients.premises import HOST, free_port, socket_folder
from clients.supervisor import Supervisor
from clients.up import stack as processes_of
from saddlepoint.schemas import keys
from saddlepoint.store import Store, open_store
from tests.many.bucket import URL, environment, running_bucket
from tests.processes import wait_until
from tests.stack.policies import balancing_cartpole

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SPEC: dict[str, Any] = {
    "env": "CartPole-v1",
    "epsilon": 0.1,
    "attacks": ["none", "ce"],
    "max_episode_steps": 50,
    "episodes_per_seed": 2,
}


@dataclass(frozen=True)
class OnBucket:
    """A service, its store, and what ends the server of the bucket."""

    url: str
    store: Store
    folder: Path
    take_bucket_away: ExitStack


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnBucket]:
    folder, port = tmp_path_factory.mktemp("bucket-stack"), free_port(0)
    with ExitStack() as cleanup, ExitStack() as bucket:
        variables = bucket.enter_context(running_bucket())
        cleanup.enter_context(environment(variables))
        sockets = cleanup.enter_context(socket_folder())
        said = {**variables, "SADDLEPOINT_STORE_URL": URL, "SADDLEPOINT_RECONCILE_INTERVAL_S": "1"}
        specs = [
            replace(spec, environment={**(spec.environment or {}), **said})
            for spec in processes_of(folder, sockets / "valkey.sock", port, 1)
        ]
        supervisor = Supervisor(specs, folder / "logs", say=lambda _: None, hurry=lambda: True)
        cleanup.enter_context(supervisor).start()
        url = f"http://{HOST}:{port}"
        wait_until(lambda: _is_ready(url), within_s=180, what="the start of the stack")
        yield OnBucket(url, open_store(URL), folder, bucket)


def _is_ready(url: str) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(f"{url}/readyz", timeout=2.0, trust_env=False).is_success
    return False


def test_a_client_evaluates_extends_and_trains_on_a_bucket(stack: OnBucket, tmp_path: Path) -> None:
    policy = balancing_cartpole(tmp_path / "cartpole.onnx")
    with AttackClient(stack.url) as client:
        first = client.wait(client.evaluate(policy, seeds=[0, 1], **SPEC), progress=False)
        assert client.report(first).cell("ce").episodes == 4
        larger = client.wait(client.extend(first, seeds=[0, 1, 2]), progress=False)
        assert client.report(larger).cell("ce").episodes == 6
        training = client.wait(client.train(env="CartPole-v1", config={"steps": 2048}), progress=False)
        assert stack.store.exists(keys.policy_card(str(training.policy_id)))
    # The report of the training is made after it has ended.
    wait_until(lambda: not list(stack.store.list("active/")), within_s=60, what="the end of all that was begun")
    assert not any(path.is_file() for path in (stack.folder / "store").rglob("*"))


def test_a_bucket_that_is_gone_is_a_problem_of_503_within_a_minute(stack: OnBucket) -> None:
    stack.take_bucket_away.close()
    answer = httpx.get(f"{stack.url}/v1/evaluations/absent", timeout=60.0, trust_env=False)
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert httpx.get(f"{stack.url}/readyz", timeout=60.0, trust_env=False).status_code == 503
