"""`AttackClient.local`: the numbers of a server without one, and nothing of it stays behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from clients import AttackClient
from clients.requests import SpecFields
from saddlepoint.errors import InvalidRequest, PolicyRejected
from saddlepoint.schemas.reports import comparable
from tests.processes import wait_until
from tests.stack.processes import still_there

CARTPOLE = "CartPole-v1"
SPEC: SpecFields = {"epsilon": 0.2, "seeds": [8, 9], "episodes_per_seed": 2, "max_episode_steps": 100}
ENDLESS = """
import sys
from clients import AttackClient
client = AttackClient.local(sys.argv[2], workers=1)
client.robustness_report(
    sys.argv[1], env="CartPole-v1", epsilon=0.01, seeds=30, episodes_per_seed=30, attacks=["none", "ce"], steps=500
)
"""


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AttackClient]:
    with AttackClient.local(tmp_path_factory.mktemp("local"), workers=1) as client:
        yield client


def test_the_report_and_its_id_are_those_of_a_server(
    local: AttackClient, client: AttackClient, policies: dict[str, Path]
) -> None:
    here, there = (
        each.robustness_report(policies[CARTPOLE], env=CARTPOLE, progress=False, **SPEC) for each in (local, client)
    )
    assert comparable(here) == comparable(there)
    assert here.id == there.id


def test_every_other_call_is_answered_too(local: AttackClient, policies: dict[str, Path]) -> None:
    first = local.wait(local.evaluate(policies[CARTPOLE], env=CARTPOLE, **SPEC), progress=False)
    larger = local.wait(local.extend(first, seeds=[8, 9, 10]), progress=False)
    assert larger.parent == first.id
    assert {item.id for item in local.evaluations()} >= {first.id, larger.id}
    training = local.train(env=CARTPOLE, config={"steps": 64, "actors": 4, "horizon": 16, "minibatch": 64})
    assert local.wait(training, progress=False).policy_id in {card.id for card in local.policies()}


def test_a_webhook_is_refused_before_anything_begins(local: AttackClient, policies: dict[str, Path]) -> None:
    known = {evaluation.id for evaluation in local.evaluations()}
    with pytest.raises(InvalidRequest, match="may end before a webhook is told"):
        local.evaluate(policies[CARTPOLE], env=CARTPOLE, epsilon=0.3, webhook="https://hooks.example")
    assert {evaluation.id for evaluation in local.evaluations()} == known


def test_a_file_that_could_be_executed_is_refused_unopened(local: AttackClient, tmp_path: Path) -> None:
    hostile = tmp_path / "policy.pt"
    hostile.write_bytes(f"cos\nsystem\n(S'touch {tmp_path / 'executed'}'\ntR.".encode())
    with pytest.raises(PolicyRejected):
        local.upload(hostile)
    assert not (tmp_path / "executed").exists()


def test_one_folder_serves_one_client_at_a_time(tmp_path: Path) -> None:
    with AttackClient.local(tmp_path, workers=1), pytest.raises(InvalidRequest, match="is in use"):
        AttackClient.local(tmp_path, workers=1)


def test_a_folder_keeps_its_results_for_the_next_client(tmp_path: Path, policies: dict[str, Path]) -> None:
    with AttackClient.local(tmp_path, workers=1) as before:
        report = before.robustness_report(policies[CARTPOLE], env=CARTPOLE, progress=False, **SPEC)
    with AttackClient.local(tmp_path, workers=1) as after:
        assert after.report(report.id) == report


@pytest.mark.parametrize(
    ("number", "says"),
    [(signal.SIGINT, "The same call comes back to it"), (signal.SIGKILL, "")],
    ids=["interrupt", "kill -9"],
)
def test_whatever_ends_the_program_ends_what_it_started(
    number: signal.Signals, says: str, tmp_path: Path, policies: dict[str, Path]
) -> None:
    argv = (sys.executable, "-c", ENDLESS, str(policies[CARTPOLE]), str(tmp_path))
    with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) as program:
        below = _children_at_work(program.pid, tmp_path)
        program.send_signal(number)
        began = time.monotonic()
        _, errors = program.communicate(timeout=180)
        assert time.monotonic() - began < 30
    assert still_there(below) == []
    assert says in errors


def _children_at_work(pid: int, data: Path) -> list[psutil.Process]:
    """Once an episode is attempted."""
    wait_until(lambda: _has_attempts(data / "store"), within_s=90, what="an attempt at a shard")
    with suppress(psutil.NoSuchProcess):
        return list(psutil.Process(pid).children(recursive=True))
    raise AssertionError("the program has ended by itself")


def _has_attempts(store: Path) -> bool:
    """Folders come and go meanwhile, on which Path.rglob would stop."""
    return any("attempts" in Path(folder).parts and files for folder, _, files in os.walk(store))
