"""What is known of environments: descriptions for good, problems for a minute or two."""

from pathlib import Path

import pytest

from saddlepoint.errors import UnsupportedEnvironment
from saddlepoint.findings import find_environment, put_description, put_problem
from saddlepoint.schemas.environments import BoxSpace, ContinuousSpace, EnvironmentDescription, EnvironmentSpec
from saddlepoint.store import Store
from saddlepoint.store.local import LocalStore

HOPPER = EnvironmentSpec(id="Hopper-v5")
DESCRIPTION = EnvironmentDescription(
    env=HOPPER,
    observation=BoxSpace(shape=(11,), dtype="float64", low=None, high=None),
    action=ContinuousSpace(n=3, shape=(3,), low=-1, high=[1, 2, None]),
)
MISSING = UnsupportedEnvironment("MuJoCo is missing; install it.")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return LocalStore(tmp_path)


def test_nothing_is_known_before_a_worker_has_looked(store: Store) -> None:
    assert find_environment(store, HOPPER) is None


def test_a_description_stays(store: Store) -> None:
    put_description(store, HOPPER, DESCRIPTION)
    assert find_environment(store, HOPPER, now_s=1e12) == DESCRIPTION


@pytest.mark.parametrize(("asked_s", "known"), [(600.0, True), (659.9, True), (719.9, True), (720.0, False)])
def test_a_problem_is_forgotten(store: Store, asked_s: float, known: bool) -> None:
    put_problem(store, HOPPER, MISSING, now_s=601.0)
    if known:
        with pytest.raises(UnsupportedEnvironment, match="MuJoCo is missing"):
            find_environment(store, HOPPER, now_s=asked_s)
    else:
        assert find_environment(store, HOPPER, now_s=asked_s) is None


def test_a_description_ends_a_problem(store: Store) -> None:
    put_problem(store, HOPPER, MISSING)
    put_description(store, HOPPER, DESCRIPTION)
    assert find_environment(store, HOPPER) == DESCRIPTION


def test_problems_are_those_of_one_environment(store: Store) -> None:
    put_problem(store, HOPPER, MISSING)
    assert find_environment(store, EnvironmentSpec(id="Hopper-v4")) is None
