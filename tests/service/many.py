"""A store that holds ten thousand evaluations, made in seconds: written past the store, which would sync each file."""

import os
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import BaseModel

from saddlepoint.schemas import keys
from saddlepoint.schemas.environments import EnvironmentSpec
from saddlepoint.schemas.evaluations import EvaluationRecord, EvaluationSpec, Progress, TerminalRecord
from saddlepoint.schemas.plans import PlanSummary
from saddlepoint.schemas.reports import RandomPolicyReference, Reference, RobustnessReport, WorstCase
from saddlepoint.store.format import trailer
from tests.service.bench import cell
from tests.service.doubles import NOON

OWNER = "default"
SPEC = EvaluationSpec(env=EnvironmentSpec(id="BoxingNoFrameskip-v4"), tier="quick")
_EPISODES = 30
_SHARED = "shared/report.json"
"""The report of all of them, under as many names."""


def fill(store: Path, count: int, *, running: int, policy_id: str) -> list[str]:
    """The ids of `count` evaluations of one owner, oldest first, the last `running` of which go on."""
    ids = [f"{number:032x}" for number in range(count)]
    _write(store, _SHARED, _report())
    for number, evaluation_id in enumerate(ids):
        created_at = NOON + timedelta(seconds=number)
        record = EvaluationRecord(id=evaluation_id, owner=OWNER, policy_id=policy_id, spec=SPEC, created_at=created_at)
        _write(store, keys.evaluation_spec(evaluation_id), record)
        _write(store, keys.evaluation_plan_summary(evaluation_id), PlanSummary(episodes=200, shards=4))
        _write(store, keys.evaluation_index(OWNER, created_at, evaluation_id), b"")
        if number < count - running:
            _end(store, evaluation_id, created_at)
        else:
            _write(store, keys.active_evaluation(evaluation_id), b"")
    return ids


def _end(store: Path, evaluation_id: str, created_at: datetime) -> None:
    done = Progress(episodes_done=200, episodes_planned=200, environment_steps=1)
    ended = TerminalRecord(status="succeeded", finished_at=created_at + timedelta(minutes=5), progress=done)
    _write(store, keys.evaluation_terminal(evaluation_id), ended)
    os.link(store / _SHARED, store / keys.evaluation_report(evaluation_id, "json"))


def _report() -> bytes:
    """One of the quick tier: five attacks, thirty episodes each."""
    many = {"returns": [1.25] * _EPISODES, "lengths": [1750] * _EPISODES, "seeds": [3] * _EPISODES}
    cells = [
        cell(label, 0.0 if label == "none" else 4.0).model_copy(update={**many, "episodes": _EPISODES})
        for label in ("none", "random", "max", "min", "ce")
    ]
    report = RobustnessReport(
        id="e",
        created_at=NOON,
        policy={},
        env={},
        spec={},
        cells=cells,
        reference=Reference(random_policy=RandomPolicyReference(mean=0.0, episodes=5, returns=[0.0] * 5)),
        worst_case=WorstCase(
            attack="ce", label="ce", epsilon=4.0, mean=-20.0, ci95=(-24.0, -16.0), normalized=0.1, selection="held_out"
        ),
        verdict="The worst attack found takes the mean return from 1 to -20.",
        environment_steps=1,
        wall_time_s=1.0,
        versions={},
        protocol={},
        statistics={},
    )
    return report.model_dump_json().encode()


def _write(store: Path, key: str, value: BaseModel | bytes) -> None:
    data = value if isinstance(value, bytes) else value.model_dump_json().encode()
    path = store / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data + trailer(data))
