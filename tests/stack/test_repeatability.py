"""The same specification gives the same numbers: with fewer workers, in another data folder, after kill -9."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from clients import AttackClient
from clients.background import RunningStack, running_stack
from clients.requests import SpecFields
from saddlepoint.schemas import keys
from saddlepoint.schemas.reports import comparable
from saddlepoint.store import Store, open_store
from tests.stack.processes import held_player, members, running, still_there

ATARI = "BoxingNoFrameskip-v4"
CARTPOLE = "CartPole-v1"
SHORT: SpecFields = {"seeds": 2, "episodes_per_seed": 1, "max_episode_steps": 25}
"""Three shards: the first attacks with gradients, the others do not."""


@pytest.fixture(scope="module")
def lone_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("one-worker")


@pytest.fixture(scope="module")
def lone_store(lone_data: Path) -> Store:
    return open_store(str(lone_data / "store"))


@pytest.fixture(scope="module")
def lone(lone_data: Path) -> Iterator[RunningStack]:
    """One evaluator on an empty data folder."""
    with running_stack(lone_data, workers=1) as stack:
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
    lone: RunningStack,
    lone_store: Store,
    client: AttackClient,
    lone_client: AttackClient,
    policies: dict[str, Path],
) -> None:
    expected = client.robustness_report(policies[ATARI], env=ATARI, progress=False, **SHORT)
    started = lone_client.evaluate(policies[ATARI], env=ATARI, **SHORT)
    with held_player(lone, lone_store, started.id) as player:
        player.kill()
    lone_client.wait(started, progress=False, timeout_s=200)
    assert comparable(lone_client.report(started)) == comparable(expected)
    attempts = [list(lone_store.list(keys.evaluation_attempts(started.id, shard))) for shard in range(3)]
    assert max(map(len, attempts)) == 2


def test_a_killed_service_and_a_killed_queue_come_back_while_the_client_waits(
    lone: RunningStack,
    lone_store: Store,
    client: AttackClient,
    lone_client: AttackClient,
    policies: dict[str, Path],
) -> None:
    spec: SpecFields = {"seeds": [5], "episodes_per_seed": 1, "max_episode_steps": 25}
    expected = client.robustness_report(policies[ATARI], env=ATARI, progress=False, **spec)
    started = lone_client.evaluate(policies[ATARI], env=ATARI, **spec)
    with held_player(lone, lone_store, started.id):
        for name in ("service", "valkey-server"):
            running(lone, name).kill()
    lone_client.wait(started, progress=False, timeout_s=200)
    assert comparable(lone_client.report(started)) == comparable(expected)


def test_kill_9_of_the_whole_stack_leaves_no_process(lone: RunningStack) -> None:
    processes = members(lone)
    assert len(processes) > 6
    os.kill(lone.pid, signal.SIGKILL)
    assert still_there(processes) == []
