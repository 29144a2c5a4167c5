"""Landscapes are found by policy and environment once they have succeeded."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pytest

from saddlepoint.landscape_index import find_landscape, index_keys
from saddlepoint.schemas.environments import EnvironmentSpec
from saddlepoint.schemas.evaluations import TerminalRecord
from saddlepoint.schemas.landscapes import LandscapeRecord, LandscapeSpec
from saddlepoint.store import put_record
from saddlepoint.store.local import LocalStore
from saddlepoint.work import LANDSCAPE
from tests.evaluation.plans import CARTPOLE

ENV = EnvironmentSpec(id="CartPole-v1")
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path)


def enter(
    store: LocalStore,
    name: str,
    hour: int,
    epsilon: float,
    status: Literal["succeeded", "canceled"] | None = "succeeded",
) -> None:
    record = LandscapeRecord(
        id=name,
        owner="me",
        created_at=NOON.replace(hour=hour),
        chunks=2,
        chunk_timeout_s=1.0,
        spec=LandscapeSpec(policy_ids=("p", "q"), env=ENV, epsilon=epsilon),
        environment=CARTPOLE,
    )
    put_record(store, LANDSCAPE.spec(name), record)
    for key in index_keys(record):
        store.put(key, b"")
    if status is not None:
        put_record(store, LANDSCAPE.terminal(name), TerminalRecord(status=status, finished_at=NOON))


def found(store: LocalStore, *epsilons: float, owner: str = "me", policy: str = "p", env: str = ENV.id) -> str | None:
    record = find_landscape(store, owner, policy, EnvironmentSpec(id=env), epsilons)
    return record.id if record else None


def test_the_newest_with_a_wanted_epsilon_is_found_else_the_newest(store: LocalStore) -> None:
    for hour, (name, epsilon) in enumerate([("a", 0.1), ("b", 0.1), ("c", 0.2)]):
        enter(store, name, hour, epsilon)
    assert (found(store, 0.1), found(store, 0.2, 0.3), found(store, 0.5)) == ("b", "c", "c")


def test_each_policy_has_it_in_its_environment_and_nobody_else_does(store: LocalStore) -> None:
    enter(store, "a", 1, 0.1)
    assert (found(store, policy="q"), found(store, policy="r")) == ("a", None)
    assert (found(store, owner="you"), found(store, env="Acrobot-v1")) == (None, None)


@pytest.mark.parametrize("status", [None, "canceled"])
def test_one_that_has_not_succeeded_is_not_found(store: LocalStore, status: Literal["canceled"] | None) -> None:
    enter(store, "a", 1, 0.1, status)
    assert found(store, 0.1) is None
