"""The same stack on a bucket, with keys."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from clients import AttackClient
from tests.compose.conftest import BUILD_S, running
from tests.compose.engine import Compose, free_port
from tests.stack.policies import balancing_cartpole

pytestmark = [pytest.mark.compose, pytest.mark.timeout(1800)]

PROFILE = ("--profile", "storage")
KEY = "a-key-of-the-tests"
SAID = {
    "SADDLEPOINT_STORE_URL": "s3://saddlepoint/artifacts",
    "SADDLEPOINT_API_KEYS": f"tests:{KEY}",
    "AWS_ENDPOINT_URL": "http://storage:9000",
    "AWS_ALLOW_HTTP": "true",
    "AWS_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "trial",
    "AWS_SECRET_ACCESS_KEY": "trial",
}


@pytest.fixture(scope="module")
def on_bucket(images: tuple[str, ...]) -> Iterator[Compose]:
    files = ("docker-compose.yml", "docker/compose.s3.yml")
    compose = Compose(images, "saddlepoint-test-s3", free_port(), files, SAID)
    compose.run(*PROFILE, "build", "storage", timeout_s=BUILD_S)
    with running(compose, *PROFILE):
        yield compose


def test_a_policy_is_evaluated_and_all_that_is_known_lies_in_the_bucket(on_bucket: Compose, tmp_path: Path) -> None:
    policy = balancing_cartpole(tmp_path / "cartpole.onnx")
    with AttackClient(on_bucket.url, KEY) as client:
        report = client.robustness_report(policy, env="CartPole-v1", tier="smoke", epsilon=0.1, progress=False)
    assert report.cell("ce").episodes > 0
    held = on_bucket.execute("validator", "find", "/data", "-type", "f").split()
    assert held == []


def test_nobody_comes_in_without_a_key(on_bucket: Compose) -> None:
    assert httpx.get(f"{on_bucket.url}/v1/policies", trust_env=False).status_code == 401
