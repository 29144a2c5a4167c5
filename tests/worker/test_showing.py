"""What a report shows beside its numbers, and that it never costs the numbers."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from saddlepoint.errors import StoreError, UnsupportedEnvironment
from saddlepoint.evaluation.evidence import Evidence, NoEvidence
from saddlepoint.evaluation.footage import Footage
from saddlepoint.evaluation.traces import Trace, traced
from saddlepoint.schemas import keys
from saddlepoint.schemas.environments import EnvironmentSpec
from saddlepoint.schemas.plans import EpisodeResult, Plan, Shard
from saddlepoint.schemas.reports import RobustnessReport
from saddlepoint.state import load_evaluation
from saddlepoint.store import get_record
from saddlepoint.submission import submit_evaluation
from tests.worker import world
from tests.worker.world import make_engine, make_record, plan_of, play_shards, result_of, submitted
from worker import showing
from worker.context import Context
from worker.finishing import finish_evaluation
from worker.sandbox import Limits
from worker.shards import run_shard
from worker.showing import evidence_of

ID = "evaluation"
FOOTAGE = Footage(b"video", b"poster", 420, 656, 1, 10, True)


def play(plan: Plan, shard: Shard, model: bytes, *, keep: Callable[[EpisodeResult, Trace], None], **rest: Any) -> None:
    """As the engine does: a trace of the episodes that leave one, before their results."""
    for entry in traced(plan) & set(shard.entries):
        keep(result_of(plan, entry), trace_of(entry.cell))
    world.play(plan, shard, model, keep=keep, **rest)


def trace_of(cell: int) -> Trace:
    return Trace(np.full(10, cell), np.arange(10.0), None, {}, ())


def record(env: EnvironmentSpec, seed: int, clean: Trace, attacked: Trace) -> Footage:
    assert (env.id, seed) == (world.ENV, 0)
    return replace(FOOTAGE, steps=int(10 * clean.actions[0] + attacked.actions[0]))


def names(env: EnvironmentSpec) -> tuple[str, ...]:
    return (env.id,)


@pytest.fixture
def plan(context: Context) -> Plan:
    """Of an evaluation whose episodes and traces are all there."""
    plan = submitted(context)
    play_shards(context, plan, play)
    return plan


def shown(
    context: Context, plan: Plan, record: showing.Record = record, names: showing.Names = names
) -> Evidence | NoEvidence:
    """What the page of the evaluation is given, while its report is made."""
    seen: list[Evidence | NoEvidence] = []

    def render(report: RobustnessReport, evidence: Evidence | NoEvidence) -> dict[str, bytes]:
        seen.append(evidence)
        return {"html": report.id.encode()}

    def show(*arguments: Any) -> Evidence | NoEvidence:
        return evidence_of(record, names, *arguments)

    finish_evaluation(context, replace(make_engine(), show=show, render=render), ID)
    assert load_evaluation(context.store, context.queue, ID).status == "succeeded"
    assert context.store.get(keys.evaluation_report(ID, "html")) == ID.encode()
    return seen[-1]


def reason(evidence: Evidence | NoEvidence) -> str:
    return evidence.reason if isinstance(evidence, NoEvidence) else evidence.why_no_footage


def test_the_first_episode_is_shown_without_and_with_the_worst_attack(context: Context, plan: Plan) -> None:
    evidence = shown(context, plan)
    assert isinstance(evidence, Evidence)
    clean, attacked = plan.cells[0], plan.cells[1]
    assert (clean.attack.kind, evidence.cell) == ("none", attacked)
    assert [side.result.cell_key for side in (evidence.clean, evidence.attacked)] == [clean.key, attacked.key]
    assert {(side.result.seed, side.result.episode) for side in (evidence.clean, evidence.attacked)} == {(0, 0)}
    assert evidence.footage == replace(FOOTAGE, steps=1)
    assert evidence.action_names == (world.ENV,)


def test_the_report_is_there_before_anything_is_shown(context: Context, plan: Plan) -> None:
    def look(env: EnvironmentSpec) -> tuple[str, ...]:
        get_record(context.store, keys.evaluation_report(ID, "json"), RobustnessReport)
        assert not context.store.exists(keys.evaluation_report(ID, "html"))
        return names(env)

    assert isinstance(shown(context, plan, names=look), Evidence)


def test_without_a_trace_there_is_nothing_to_show(context: Context, plan: Plan) -> None:
    context.store.delete(keys.trace(plan.cells[1].key, 0, 0))
    assert "earlier evaluation" in reason(shown(context, plan))


def test_a_trace_that_is_none_costs_the_replay_only(context: Context, plan: Plan) -> None:
    key = keys.trace(plan.cells[1].key, 0, 0)
    context.store.delete(key)
    context.store.put(key, b"no archive")
    assert reason(shown(context, plan)) == showing.DEFECT


def test_without_an_attack_there_is_no_pair_to_show(context: Context) -> None:
    made = make_record(attacks=["none"])
    plan = plan_of(made)
    submit_evaluation(context.store, context.queue, made, plan)
    for shard in plan.shards:
        run_shard(context, make_engine(play), ID, shard.index)
    assert "there is no game to show" in reason(shown(context, plan))


def unsupported(*_: Any) -> Footage:
    raise UnsupportedEnvironment("It draws nothing.")


def broken(*_: Any) -> Footage:
    raise RuntimeError("no screen")


def dies(*_: Any) -> Footage:
    os.kill(os.getpid(), signal.SIGSEGV)
    raise AssertionError


def never_ends(*_: Any) -> Footage:
    time.sleep(600)
    raise AssertionError


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (unsupported, "draws no pictures"),
        (broken, "draws no pictures"),
        (dies, "draws no pictures"),
        (never_ends, "limits of time and memory"),
    ],
)
def test_a_video_that_cannot_be_made_leaves_the_rest(
    context: Context, plan: Plan, monkeypatch: pytest.MonkeyPatch, record: showing.Record, why: str
) -> None:
    monkeypatch.setattr(showing, "LIMITS", Limits(wall_s=2.0))
    evidence = shown(context, plan, record)
    assert isinstance(evidence, Evidence)
    assert evidence.footage is None
    assert why in evidence.why_no_footage


def test_a_defect_costs_neither_the_report_nor_its_page(context: Context, plan: Plan) -> None:
    def fail(env: EnvironmentSpec) -> tuple[str, ...]:
        raise IndexError(env.id)

    assert reason(shown(context, plan, names=fail)) == showing.DEFECT


def test_a_page_that_cannot_show_the_evidence_goes_without_it(context: Context, plan: Plan) -> None:
    def render(report: RobustnessReport, evidence: Evidence | NoEvidence) -> dict[str, bytes]:
        return {"html": evidence.reason.encode() if isinstance(evidence, NoEvidence) else bytes(1 // 0)}

    def show(*arguments: Any) -> Evidence | NoEvidence:
        return evidence_of(record, names, *arguments)

    finish_evaluation(context, replace(make_engine(), show=show, render=render), ID)
    assert context.store.get(keys.evaluation_report(ID, "html")) == showing.DEFECT.encode()
    assert load_evaluation(context.store, context.queue, ID).status == "succeeded"


def test_a_store_that_fails_for_a_while_is_tried_again(context: Context, plan: Plan) -> None:
    def fail(*_: Any) -> Evidence | NoEvidence:
        raise StoreError("The disk is full.")

    finish_evaluation(context, replace(make_engine(), show=fail), ID)
    assert not context.store.exists(keys.evaluation_report(ID, "html"))
    assert isinstance(shown(context, plan), Evidence)
