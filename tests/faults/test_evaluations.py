"""An evaluation whose workers, queue and reconciler are killed under it: the report is the same."""

from pathlib import Path

import pytest

from saddlepoint.endings import cancel_evaluation
from saddlepoint.policies.importing import ImportedPolicy
from saddlepoint.schemas import keys
from tests.faults.faults import FAULTS, Fault, kill_a_horse, strike, wipe_redis
from tests.faults.stack import ID, import_cartpole, running_stack, undisturbed_report
from tests.processes import wait_until


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> ImportedPolicy:
    return import_cartpole(tmp_path_factory.mktemp("policy"))


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory, policy: ImportedPolicy, valkey_url: str) -> object:
    return undisturbed_report(tmp_path_factory.mktemp("undisturbed"), valkey_url, policy)


QUICK = (kill_a_horse, wipe_redis)
EACH = [fault if fault in QUICK else pytest.param(fault, marks=pytest.mark.slow) for fault in FAULTS]


@pytest.mark.parametrize("fault", EACH)
def test_a_fault_changes_nothing(tmp_path: Path, policy: ImportedPolicy, expected: object, fault: Fault) -> None:
    with running_stack(tmp_path, policy, workers=2) as stack:
        stack.wait_for_play()
        strike(fault, stack)
        assert stack.wait(within_s=150).status == "succeeded"
        assert stack.report() == expected
        assert list(stack.context.store.list("nondeterministic/")) == []


def test_a_canceled_evaluation_stops_within_seconds(tmp_path: Path, policy: ImportedPolicy) -> None:
    with running_stack(tmp_path, policy, workers=1) as stack:
        stack.wait_for_play()
        assert cancel_evaluation(stack.context.store, stack.context.queue, ID)
        wait_until(lambda: not stack.playing(), within_s=10, what="the end of the play")
        episodes = list(stack.context.store.list("episodes/"))
        stack.pause(2)
        assert stack.evaluation().status == "canceled"
        assert list(stack.context.store.list("episodes/")) == episodes
        assert not stack.context.store.exists(keys.evaluation_report(ID, "json"))
        assert list(stack.context.store.list("active/")) == []
