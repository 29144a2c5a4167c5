"""A stack that ended, gently or not, goes on where it was when it is started again on its data."""

import os
import signal
from pathlib import Path

import pytest

from clients import AttackClient
from clients.background import running_stack
from clients.requests import SpecFields
from saddlepoint.schemas import keys
from saddlepoint.schemas.reports import comparable
from saddlepoint.store import open_store
from tests.stack.processes import held_player, members, still_there
from tests.stack.test_repeatability import ATARI

SPEC: SpecFields = {"seeds": [11, 12], "episodes_per_seed": 1, "max_episode_steps": 25}


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
def test_an_evaluation_survives_the_end_of_its_stack(
    end: signal.Signals, client: AttackClient, policies: dict[str, Path], tmp_path: Path
) -> None:
    expected = client.robustness_report(policies[ATARI], env=ATARI, progress=False, **SPEC)
    store = open_store(str(tmp_path / "store"))
    with running_stack(tmp_path, workers=1) as stack, AttackClient(stack.url) as first:
        started = first.evaluate(policies[ATARI], env=ATARI, **SPEC)
        processes = members(stack)
        with held_player(stack, store, started.id):
            os.kill(stack.pid, end)
        assert still_there(processes) == []
    assert not store.exists(keys.evaluation_terminal(started.id))
    with running_stack(tmp_path, workers=1) as stack, AttackClient(stack.url) as second:
        second.wait(started, progress=False, timeout_s=200)
        assert comparable(second.report(started)) == comparable(expected)
