"""A gate on real evaluations: the exit status, a baseline, and every form of the report."""

import io
from pathlib import Path
from typing import Any

import httpx
import pytest
from pyarrow import csv, parquet

from clients import AttackClient
from clients.background import RunningStack
from clients.cli import main
from clients.watched import Evaluation
from tests.stack import policies as made

SPEC: dict[str, Any] = {"env": "CartPole-v1", "epsilon": 0.05, "seeds": 8, "episodes_per_seed": 1}
CUT = 100


@pytest.fixture(scope="module")
def evaluation(client: AttackClient, policies: dict[str, Path]) -> Evaluation:
    """Of a policy that this budget does little to."""
    started = client.evaluate(policies["CartPole-v1"], max_episode_steps=CUT, **SPEC)
    return client.wait(started, progress=False)


def test_the_exit_status_is_that_of_the_bound(
    stack: RunningStack, evaluation: Evaluation, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["gate", evaluation.id, "--url", stack.url, "--min-mean"]
    assert [main([*words, least]) for least in ("50", "101")] == [0, 1]
    assert "101." in capsys.readouterr().out


def test_a_policy_that_got_worse_does_not_pass_its_baseline(
    client: AttackClient, evaluation: Evaluation, tmp_path: Path
) -> None:
    worse = made.balancing_cartpole(tmp_path / "worse.onnx", gain=-4.0)
    gated = client.gate(worse, baseline=evaluation, max_episode_steps=CUT, progress=False, **SPEC)
    (check,) = [each for each in gated.gate.checks if each.name == "baseline"]
    assert not check.passed
    assert check.bound is not None
    assert check.bound < 0
    assert gated.comparison is not None
    assert client.gate(evaluation, baseline=evaluation, progress=False).passed


def test_every_form_of_the_report_is_there(stack: RunningStack, evaluation: Evaluation) -> None:
    url = f"{stack.url}/v1/evaluations/{evaluation.id}/report"
    names = ("json", "html", "md", "csv", "parquet", "junit", "badge")
    forms = {name: httpx.get(url, params={"format": name, "min_mean": 50}) for name in names}
    assert {name: form.status_code for name, form in forms.items()} == dict.fromkeys(names, 200)
    rows = csv.read_csv(io.BytesIO(forms["csv"].content)).to_pylist()
    assert parquet.read_table(io.BytesIO(forms["parquet"].content)).to_pylist() == rows
    assert len(rows) == 8 * 6
    assert b'failures="0"' in forms["junit"].content
    assert "robustness: passed" in forms["badge"].text
    assert "Gate **passed**" in forms["md"].text
