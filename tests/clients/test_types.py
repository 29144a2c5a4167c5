"""What a type checker sees in a script that uses the client."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SCRIPT = """
from typing import assert_type

from clients import AsyncAttackClient, AttackClient, ComparisonReport, Hardened, Report, verify_webhook
from clients.watched import Evaluation, Training
from saddlepoint.schemas.webhooks import Webhook

with AttackClient.local(workers=1) as client:
    assert_type(client, AttackClient)
    report = client.robustness_report("policy.zip", env="CartPole-v1", epsilon=[0.1, 0.2], seeds=range(3))
    assert_type(report, Report)
    assert_type(report.cell("ce", 0.1).mean, float)
    evaluation = client.evaluate(report.policy["id"], env={"id": "CartPole-v1"}, epsilon=1, attacks=["none", "ce"])
    assert_type(client.wait(evaluation, timeout_s=5), Evaluation)
    assert_type(client.wait("an id"), Evaluation)
    training = client.wait(client.train(env="CartPole-v1", config={"steps": 10}))
    assert_type(training, Training)
    assert_type(client.compare(report, evaluation), ComparisonReport)
    assert_type(client.compare([report], ["an id"]), ComparisonReport)
    assert_type(client.harden("policy.zip", env="CartPole-v1", epsilon=1, progress=lambda job: None), Hardened)
    told = client.evaluate("policy.zip", env="CartPole-v1", epsilon=1, webhook="https://hooks.example")
    assert_type(client.webhook(told, "https://hooks.example"), Webhook)
    assert_type(verify_webhook({}, b"", client.webhook_secret()).data.status == "failed", bool)
    assert_type([job.status == "failed" for job in client.trainings()], list[bool])


async def wait() -> None:
    async with AsyncAttackClient() as client:
        assert_type(await client.wait(await client.train(env="CartPole-v1")), Training)
        assert_type(await client.robustness_report("policy.zip", env="CartPole-v1", epsilon=1), Report)
"""
WRONG = """
from clients import AttackClient

client = AttackClient()
client.robustness_report("policy.zip", env="CartPole-v1", epsilon="big")
client.robustness_report("policy.zip", env="CartPole-v1", epsilons=1)
client.wait(client.train(env="CartPole-v1")).cells
"""


def _checked(script: str, folder: Path) -> tuple[int, str]:
    """mypy's exit status and what it says."""
    path = folder / "script.py"
    path.write_text(script)
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", os.devnull, "--follow-imports", "silent"]
    cache = str(ROOT / ".mypy_cache" / "scripts")
    done = subprocess.run(
        [*command, "--cache-dir", cache, str(path)],
        env={**os.environ, "MYPYPATH": str(ROOT)},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.slow
def test_a_script_passes_under_strict_and_every_call_has_its_type(tmp_path: Path) -> None:
    assert _checked(SCRIPT, tmp_path) == (0, "Success: no issues found in 1 source file\n")


@pytest.mark.slow
def test_mistakes_are_found(tmp_path: Path) -> None:
    status, said = _checked(WRONG, tmp_path)
    assert status == 1
    errors = [line for line in said.splitlines() if ": error: " in line]
    assert [line.rpartition("[")[2] for line in errors] == ["arg-type]", "call-arg]", "attr-defined]"]


def test_the_packages_of_a_user_are_marked_as_typed() -> None:
    assert [(ROOT / package / "py.typed").is_file() for package in ("clients", "saddlepoint")] == [True, True]
