"""One evaluation's story is found by its id, in the log of every process that had a part in it."""

import json
from pathlib import Path
from typing import Any

import pytest

from clients import AttackClient
from clients.background import running_stack

PARTS = {
    "service": {None},
    "reconciler": {None},
    "evaluator-1": {"play_shard", "finish_evaluation"},
}
"""Who has a part in an evaluation whose policy comes late, and the tasks in which they say so."""
SETTINGS = {
    "LOG_FORMAT": "json",
    "VERDICT_WAIT_S": "0",  # so that the reconciler plans it, once the validator has read its policy
    "RECONCILE_INTERVAL_S": "0.5",
}


def test_every_line_about_an_evaluation_names_it(
    policies: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SETTINGS.items():
        monkeypatch.setenv(f"SADDLEPOINT_{name}", value)
    with running_stack(tmp_path, workers=1) as stack, AttackClient(stack.url) as client:
        started = client.evaluate(
            policies["CartPole-v1"], env="CartPole-v1", epsilon=0.1, seeds=1, episodes_per_seed=1, max_episode_steps=20
        )
        assert client.wait(started, progress=False, timeout_s=200).status == "succeeded"
    logs = {log.stem: lines(log) for log in (tmp_path / "logs").glob("*.log") if log.stem != "valkey"}
    about = {name: [line for line in log if started.id in json.dumps(line)] for name, log in logs.items()}
    nameless = [
        line
        for own in about.values()
        for line in own
        if (line.get("kind"), line.get("id")) != ("evaluation", started.id)
    ]
    assert nameless == []
    assert {name: {line.get("task") for line in own} for name, own in about.items() if own} == PARTS
    (accepted,) = [line for line in about["service"] if line["logger"] == "saddlepoint.submission"]
    audited = [line for line in about["service"] if line["logger"] == "saddlepoint.audit"]
    assert [line["request_id"] for line in audited] == [accepted["request_id"]]
    judged = [line for line in logs["validator"] if line.get("kind") == "upload"]
    assert [line["id"] for line in judged if line["id"] in accepted["message"]]


def lines(log: Path) -> list[dict[str, Any]]:
    """Every line of it, each of which must be an object."""
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
