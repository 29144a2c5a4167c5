"""The same specification gives the same numbers: with fewer workers, in another data folder, after kill -9."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from clients import AttackClient
from clients.background import RunningStack, running_stack
from clients.requests import SpecFields
from saddlepoint.schemas.reports import comparable
from tests.stack.processes import horses, members, running, still_there

ATARI = "BoxingNoFrameskip-v4"
CARTPOLE = "CartPole-v1"
SHORT: SpecFields = {"seeds": 2, "episodes_per_seed": 1, "max_episode_steps": 40}
"""Two shards: one that attacks with gradients and one that does not."""


@pytest.fixture(scope="module")
def lone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """One evaluator on an empty data folder."""
    with running_stack(tmp_path_factory.mktemp("one-worker"), workers=1) as stack:
        yield stack


@pytest.fixture(scope="module")
def lone_client(lone: RunningStack) -> Iterator[AttackClient]:
    with AttackClient(lone.url) as connected:
        yield connected


def test_one_worker_plays_what_two_play(
    client: AttackClient, lone_client: AttackClient, policies: dict[str, Path]
) -> None:
    spec: SpecFields = {"epsilon": 0.2, "seeds": [8, 9], "episodes_per_seed": 2, "max_episode_steps": 200}
    two, one = (
        each.robustness_report(policies[CARTPOLE], env=CARTPOLE, progress=False, **spec)
        for each in (client, lone_client)
    )
    assert [cell.returns for cell in one.cells] == [cell.returns for cell in two.cells]
    assert comparable(one) == comparable(two)


def test_a_killed_player_changes_nothing(
    lone: RunningStack, client: AttackClient, lone_client: AttackClient, policies: dict[str, Path]
) -> None:
    expected = client.robustness_report(policies[ATARI], env=ATARI, progress=False, **SHORT)
    started = lone_client.evaluate(policies[ATARI], env=ATARI, **SHORT)
    await_steps(lone_client, started.id)
    (horse,) = horses(lone)
    horse.kill()
    lone_client.wait(started, progress=False, timeout_s=200)
    assert comparable(lone_client.report(started)) == comparable(expected)


def test_a_killed_service_and_a_killed_queue_come_back_while_the_client_waits(
    lone: RunningStack, lone_client: AttackClient, policies: dict[str, Path]
) -> None:
    started = lone_client.evaluate(policies[ATARI], env=ATARI, seeds=[5], episodes_per_seed=1, max_episode_steps=40)
    await_steps(lone_client, started.id)
    for name in ("service", "valkey-server"):
        running(lone, name).kill()
    lone_client.wait(started, progress=False, timeout_s=200)
    assert len(lone_client.report(started).cells) == 5


def test_kill_9_of_the_whole_stack_leaves_no_process(lone: RunningStack) -> None:
    processes = members(lone)
    assert len(processes) > 6
    os.kill(lone.pid, signal.SIGKILL)
    assert still_there(processes) == []


def await_steps(client: AttackClient, evaluation_id: str) -> None:
    """Return once some steps are played, and not all."""
    deadline = time.monotonic() + 60
    while client.evaluation(evaluation_id).progress.environment_steps == 0:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert not client.evaluation(evaluation_id).is_terminal
