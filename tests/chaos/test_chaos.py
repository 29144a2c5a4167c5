"""A stack under faults keeps what it promises, and one whose puts replace what is there does not."""

import sys
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from tests.chaos.batch import LONG, QUICK
from tests.chaos.campaign import run
from tests.chaos.checker import check, contents
from tests.chaos.faults import wipe_valkey
from tests.chaos.history import History, of_kind
from tests.chaos.rounds import Trouble, play_round
from tests.chaos.stack import Plan

SEED, FAULTS = 1, 20


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_faults_change_nothing(tmp_path: Path) -> None:
    sys.stderr.write(f"seed {SEED}\n")
    with closing(History(tmp_path / "history.jsonl")) as history:
        assert run(tmp_path, history, QUICK, SEED, FAULTS) == []
    assert len(of_kind(history.events, "fault")) == FAULTS


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("through", [(), ("tests.chaos.overwriting",)], ids=["put-if-absent", "overwriting"])
def test_puts_that_replace_what_is_there_are_found(tmp_path: Path, through: tuple[str, ...]) -> None:
    """Redis loses what runs, which then runs twice at once."""
    plan = Plan(workers=3, through=through, reconcile_interval_s=0.5)
    trouble = Trouble(8, pause_s=(1.0, 2.0), faults={"wipe valkey": (1, wipe_valkey)})
    with closing(History(tmp_path / "history.jsonl")) as history:
        events = play_round(tmp_path, history, [LONG], Random(SEED), trouble, plan)
    assert bool(check(events, contents(events))) == bool(through)
