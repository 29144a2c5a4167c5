"""A calm round that says what is to be expected, and then rounds of trouble until there were enough faults."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from random import Random

from tests.chaos.checker import a_job_has_one_id, check, contents
from tests.chaos.history import Event, History, of_kind
from tests.chaos.rounds import NONE, Trouble, play_round
from tests.chaos.stack import Plan
from tests.chaos.stories import Story

AT_WORK = 0.8
"""The share of faults that must hit a process at work: killing what rests proves nothing."""


def run(folder: Path, history: History, stories: Sequence[Story], seed: int, faults: int) -> list[str]:
    """What is wrong after this many faults, of which `folder` holds the stores meanwhile."""
    random, plan = Random(seed), Plan()
    calm = play_round(folder / "calm", history, stories, random, NONE, plan)
    expected = contents(calm)
    wrong = check(calm, expected)
    while not wrong and (left := faults - len(of_kind(history.events, "fault"))) > 0:
        wrong = check(play_round(folder / "round", history, stories, random, Trouble(left), plan), expected)
        if not wrong:
            shutil.rmtree(folder / "round")
    return [*wrong, *a_job_has_one_id(history.events, expected), *faults_hit_what_works(history.events)]


def faults_hit_what_works(events: list[Event]) -> list[str]:
    struck = of_kind(events, "fault")
    at_work = sum(event["at_work"] for event in struck)
    return [] if at_work >= AT_WORK * len(struck) else [f"{at_work} of {len(struck)} faults hit a process at work"]
