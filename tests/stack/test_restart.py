"""A stack that ended, gently or not, goes on where it was when it is started again on its data."""

import os
import signal
from pathlib import Path

import pytest

from clients import AttackClient
from clients.background import running_stack
from clients.requests import SpecFields
from saddlepoint.schemas.reports import comparable
from tests.stack.processes import members, still_there
from tests.stack.test_repeatability import ATARI, await_steps

SPEC: SpecFields = {"seeds": [11, 12], "episodes_per_seed": 1, "max_episode_steps": 40}


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL], ids=["SIGTERM", "SIGKILL"])
def test_an_evaluation_survives_the_end_of_its_stack(
    end: signal.Signals, client: AttackClient, policies: dict[str, Path], tmp_path: Path
) -> None:
    expected = client.robustness_report(policies[ATARI], env=ATARI, progress=False, **SPEC)
    with running_stack(tmp_path, workers=1) as stack, AttackClient(stack.url) as first:
        started = first.evaluate(policies[ATARI], env=ATARI, **SPEC)
        await_steps(first, started.id)
        processes = members(stack)
        os.kill(stack.pid, end)
        assert still_there(processes) == []
    with running_stack(tmp_path, workers=1) as stack, AttackClient(stack.url) as second:
        second.wait(started, progress=False, timeout_s=200)
        assert comparable(second.report(started)) == comparable(expected)
