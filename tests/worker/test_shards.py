"""Playing shards for certain."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from saddlepoint.endings import cancel_evaluation
from saddlepoint.errors import ObservationMismatch, StoreError
from saddlepoint.queue import FINISH
from saddlepoint.rq_worker import Interrupted
from saddlepoint.schemas import keys
from saddlepoint.schemas.plans import EpisodeId, EpisodeResult, Plan, Shard
from saddlepoint.schemas.reports import STORED_FORMS, RobustnessReport
from saddlepoint.state import load_evaluation
from saddlepoint.store import get_record
from saddlepoint.submission import submit_evaluation
from saddlepoint.work import EVALUATION, find_terminal
from tests.worker.world import make_engine, make_record, plan_of, play, play_shards, result_of, submitted
from worker.context import Context
from worker.episodes import episode_key, put_episode
from worker.finishing import NONDETERMINISTIC, finish_evaluation
from worker.shards import run_shard

ID = "evaluation"


@pytest.fixture
def plan(context: Context) -> Plan:
    return submitted(context)


def play_all(context: Context, plan: Plan) -> None:
    play_shards(context, plan)
    finish_evaluation(context, make_engine(), ID)


def episodes(context: Context) -> dict[str, bytes]:
    return {key: context.store.get(key) for key in context.store.list("episodes/")}


def report(context: Context) -> RobustnessReport:
    return get_record(context.store, keys.evaluation_report(ID, "json"), RobustnessReport)


def failing(error: BaseException, after: int = 0) -> Callable[..., None]:
    """A game in which `error` happens after some episodes."""

    def play_and_fail(
        plan: Plan, shard: Shard, model: bytes, *, put: Callable[[EpisodeResult], None], **rest: Any
    ) -> None:
        put_so_far = 0

        def put_some(result: EpisodeResult) -> None:
            nonlocal put_so_far
            if put_so_far == after:
                raise error
            put(result)
            put_so_far += 1

        play(plan, shard, model, put=put_some, **rest)

    return play_and_fail


def test_all_shards_make_a_report(context: Context, plan: Plan) -> None:
    assert [len(shard.entries) for shard in plan.shards] == [8, 8, 1]
    play_all(context, plan)
    evaluation = load_evaluation(context.store, context.queue, ID)
    assert evaluation.status == "succeeded"
    assert (evaluation.progress.episodes_done, evaluation.progress.episodes_planned) == (17, 17)
    assert evaluation.progress.environment_steps == 170
    assert [cell.label for cell in evaluation.cells] == ["none", "random"]
    assert evaluation.cells[0].returns == [
        result_of(plan, entry).episode_return
        for entry in sorted(entry for shard in plan.shards for entry in shard.entries)
        if entry.cell == 0
    ]
    assert context.store.get(keys.evaluation_report(ID, "html")) == b"<p>evaluation</p>"
    assert context.store.get(keys.evaluation_report(ID, "parquet")) == b"PAR1"
    assert not context.store.exists(keys.active_evaluation(ID))


def test_the_last_shard_queues_the_report(context: Context, plan: Plan) -> None:
    queued = []
    for shard in reversed(plan.shards):
        run_shard(context, make_engine(), ID, shard.index)
        queued.append(context.queue.is_active(FINISH, ID))
    assert queued == [False, False, True]


def test_a_cell_is_shown_when_its_last_episode_is_there(context: Context, plan: Plan) -> None:
    shown = []
    for shard in plan.shards:
        run_shard(context, make_engine(), ID, shard.index)
        shown.append([cell.label for cell in load_evaluation(context.store, context.queue, ID).cells])
    assert shown == [[], ["none", "random"], ["none", "random"]]


def test_each_shard_run_twice_changes_nothing(context: Context, plan: Plan) -> None:
    play_all(context, plan)
    before, stored = episodes(context), context.store.get(keys.evaluation_report(ID, "json"))
    play_all(context, plan)
    assert episodes(context) == before
    assert len(before) == 17
    assert context.store.get(keys.evaluation_report(ID, "json")) == stored
    assert list(context.store.list("nondeterministic/")) == []


def test_a_restarted_shard_plays_only_what_is_missing(context: Context, plan: Plan) -> None:
    with pytest.raises(ZeroDivisionError):
        run_shard(context, make_engine(failing(ZeroDivisionError(), after=5)), ID, 0)
    played = []

    def note(plan: Plan, shard: Shard, model: bytes, *, put: Callable[[EpisodeResult], None], **rest: Any) -> None:
        def put_and_note(result: EpisodeResult) -> None:
            played.append(result)
            put(result)

        play(plan, shard, model, put=put_and_note, **rest)

    run_shard(context, make_engine(note), ID, 0)
    assert played == [result_of(plan, entry) for entry in plan.shards[0].entries[5:]]


def test_last_bits_of_a_measure_contradict_nothing(context: Context, plan: Plan) -> None:
    first = result_of(plan, plan.shards[0].entries[0])
    for kl_sum in (0.1, 0.1 + 2**-50):
        put_episode(context.store, first.model_copy(update={"kl_sum": kl_sum}))
    assert list(context.store.list("nondeterministic/")) == []


@pytest.mark.parametrize(
    "change", [{"episode_return": -1.0}, {"length": 11}, {"truncated": True}, {"actions_digest": "x"}]
)
def test_another_trajectory_is_a_contradiction(context: Context, plan: Plan, change: dict[str, object]) -> None:
    first = result_of(plan, plan.shards[0].entries[0])
    for result in (first, first.model_copy(update=change)):
        put_episode(context.store, result)
    assert len(list(context.store.list("nondeterministic/"))) == 1


def test_a_second_different_result_is_kept_beside_and_told(
    context: Context, plan: Plan, caplog: pytest.LogCaptureFixture
) -> None:
    first = result_of(plan, plan.shards[0].entries[0])

    def play_twice(
        plan: Plan, shard: Shard, model: bytes, *, put: Callable[[EpisodeResult], None], **rest: Any
    ) -> None:
        play(plan, shard, model, put=put, **rest)
        put(first.model_copy(update={"episode_return": -1.0}))

    with caplog.at_level(logging.WARNING):
        run_shard(context, make_engine(play_twice), ID, 0)
    assert "nondeterministic" in caplog.text
    play_all(context, plan)
    key = keys.episode(first.cell_key, first.seed, first.episode)
    assert get_record(context.store, key, EpisodeResult) == first
    (second,) = context.store.list(keys.second_episodes(first.cell_key))
    assert get_record(context.store, second, EpisodeResult).episode_return == -1.0
    assert report(context).warnings == [NONDETERMINISTIC]


def planned_once(plan: Plan) -> Plan:
    """The plan with each episode in one place only, whichever cells it belongs to."""
    seen: set[str] = set()

    def is_first(entry: EpisodeId) -> bool:
        known = episode_key(plan, entry) in seen
        seen.add(episode_key(plan, entry))
        return not known

    shards = [shard.model_copy(update={"entries": tuple(filter(is_first, shard.entries))}) for shard in plan.shards]
    return plan.model_copy(update={"shards": tuple(shards)})


@pytest.mark.parametrize("plan_as", [lambda plan: plan, planned_once], ids=["planned twice", "planned once"])
def test_one_attack_under_two_labels_is_played_once_and_told_twice(
    context: Context, plan_as: Callable[[Plan], Plan]
) -> None:
    record = make_record(attacks=["none", "random", {"kind": "random", "label": "x"}])
    plan = plan_as(plan_of(record))
    submit_evaluation(context.store, context.queue, record, plan)
    played: list[str] = []

    def note(
        plan: Plan, shard: Shard, model: bytes, *, finished: Callable[..., bool], put: Callable[..., None], **rest: Any
    ) -> None:
        """All begin at once, as in the lanes of a batch."""
        for entry in [entry for entry in shard.entries if not finished(*entry)]:
            played.append(episode_key(plan, entry))
            put(result_of(plan, entry))

    for shard in plan.shards:
        run_shard(context, make_engine(note), ID, shard.index)
    finish_evaluation(context, make_engine(), ID)
    assert len(played) == len(set(played)) == 17
    evaluation = load_evaluation(context.store, context.queue, ID)
    assert (evaluation.status, evaluation.progress.episodes_done) == ("succeeded", plan.episodes_planned)
    assert [cell.label for cell in evaluation.cells] == ["none", "random", "x"]
    assert evaluation.cells[1].returns == evaluation.cells[2].returns
    assert list(context.store.list("nondeterministic/")) == []


def test_a_damaged_episode_is_played_again(context: Context, plan: Plan, tmp_path: Any) -> None:
    for shard in plan.shards:
        run_shard(context, make_engine(), ID, shard.index)
    key = keys.episode(plan.cells[0].key, 0, 0)
    path = tmp_path / "store" / key
    path.write_bytes(b"x" + path.read_bytes()[1:])
    finish_evaluation(context, make_engine(), ID)
    assert find_terminal(context.store, EVALUATION, ID) is None
    play_all(context, plan)
    assert load_evaluation(context.store, context.queue, ID).status == "succeeded"


def test_a_final_error_is_a_record(context: Context, plan: Plan) -> None:
    run_shard(context, make_engine(failing(ObservationMismatch("It does not fit."))), ID, 0)
    evaluation = load_evaluation(context.store, context.queue, ID)
    assert evaluation.status == "failed"
    assert evaluation.error
    assert (evaluation.error.code, evaluation.error.detail) == ("observation-mismatch", "It does not fit.")
    play_all(context, plan)
    assert not context.store.exists(keys.evaluation_report(ID, "json"))


def test_an_error_of_the_store_is_left_to_the_reconciler_however_often_it_comes(
    context: Context, plan: Plan, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(8):
        run_shard(context, make_engine(failing(StoreError("The disk is full."))), ID, 0)
        finish_evaluation(context, make_engine(), ID)
    assert find_terminal(context.store, EVALUATION, ID) is None
    assert "left to the reconciler: The disk is full." in caplog.text
    play_all(context, plan)
    assert load_evaluation(context.store, context.queue, ID).status == "succeeded"


def test_a_report_that_cannot_be_stored_is_left_to_the_reconciler(context: Context, plan: Plan) -> None:
    def fail(*_: Any) -> dict[str, bytes]:
        raise StoreError("The disk is full.")

    for shard in plan.shards:
        run_shard(context, make_engine(), ID, shard.index)
    for _ in range(8):
        finish_evaluation(context, replace(make_engine(), render=fail), ID)
    assert find_terminal(context.store, EVALUATION, ID) is None
    finish_evaluation(context, make_engine(), ID)
    assert load_evaluation(context.store, context.queue, ID).status == "succeeded"


def test_a_shard_that_always_crashes_fails_after_five_attempts(context: Context, plan: Plan) -> None:
    del plan
    started = []

    def crash(*_: Any, **__: Any) -> None:
        started.append(1)
        raise ZeroDivisionError

    for _ in range(8):
        with suppress(ZeroDivisionError):
            run_shard(context, make_engine(crash), ID, 0)
    assert len(started) == 5
    error = load_evaluation(context.store, context.queue, ID).error
    assert error
    assert error.code == "job-failed"


def test_an_interrupted_shard_goes_on_elsewhere(context: Context, plan: Plan) -> None:
    for _ in range(7):
        with pytest.raises(Interrupted):
            run_shard(context, make_engine(failing(Interrupted())), ID, 0)
    play_all(context, plan)
    assert load_evaluation(context.store, context.queue, ID).status == "succeeded"


def test_a_report_that_cannot_be_made_fails_after_five_attempts(context: Context, plan: Plan) -> None:
    broken = replace(make_engine(), render=lambda *_: {"html": bytes(1 // 0)})
    for shard in plan.shards:
        run_shard(context, make_engine(), ID, shard.index)
    for _ in range(7):
        with suppress(ZeroDivisionError):
            finish_evaluation(context, broken, ID)
    assert load_evaluation(context.store, context.queue, ID).status == "failed"


def test_a_deleted_policy_fails_the_evaluation(context: Context, plan: Plan) -> None:
    del plan
    context.store.delete(keys.policy_model("policy"))
    run_shard(context, make_engine(), ID, 0)
    error = load_evaluation(context.store, context.queue, ID).error
    assert error
    assert error.code == "not-found"


def test_a_canceled_evaluation_is_not_played(context: Context, plan: Plan) -> None:
    cancel_evaluation(context.store, context.queue, ID)
    play_all(context, plan)
    assert episodes(context) == {}
    assert load_evaluation(context.store, context.queue, ID).status == "canceled"


def test_many_who_finish_at_once_publish_one_report(context: Context, plan: Plan) -> None:
    for shard in plan.shards:
        run_shard(context, make_engine(), ID, shard.index)
    start, seen = threading.Barrier(4), set[bytes]()

    def render(report: RobustnessReport, *_: Any) -> dict[str, bytes]:
        seen.add(context.store.get(keys.evaluation_report(ID, "json")))
        return {"html": report.model_dump_json().encode()}

    def fold(*arguments: Any, **times: Any) -> RobustnessReport:
        start.wait(timeout=60)  # nobody has put a report before everybody has folded one
        return make_engine().fold_report(*arguments, **times)

    engine = replace(make_engine(), fold_report=fold, render=render)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: finish_evaluation(context, engine, ID), range(4)))
    assert seen == {context.store.get(keys.evaluation_report(ID, "html"))}
    assert load_evaluation(context.store, context.queue, ID).status == "succeeded"


def test_a_finisher_that_dies_after_its_report_is_followed_by_one_that_keeps_it(context: Context, plan: Plan) -> None:
    for shard in plan.shards:
        run_shard(context, make_engine(), ID, shard.index)
    with pytest.raises(ZeroDivisionError):
        finish_evaluation(context, replace(make_engine(), render=lambda *_: {"html": bytes(1 // 0)}), ID)
    first = context.store.get(keys.evaluation_report(ID, "json"))
    finish_evaluation(context, make_engine(), ID)
    assert context.store.get(keys.evaluation_report(ID, "json")) == first
    assert load_evaluation(context.store, context.queue, ID).status == "succeeded"


def test_a_cancel_during_the_report_wins_and_leaves_no_report(context: Context, plan: Plan) -> None:
    def cancel_midway(report: RobustnessReport, *_: Any) -> dict[str, bytes]:
        cancel_evaluation(context.store, context.queue, report.id)
        return {"html": b"", "parquet": b""}

    play_shards(context, plan)
    finish_evaluation(context, replace(make_engine(), render=cancel_midway), ID)
    assert load_evaluation(context.store, context.queue, ID).status == "canceled"
    assert not any(context.store.exists(keys.evaluation_report(ID, form)) for form in STORED_FORMS)


def test_an_evaluation_without_a_plan_is_left_alone(context: Context) -> None:
    run_shard(context, make_engine(), "unknown", 0)
    finish_evaluation(context, make_engine(), "unknown")
    assert list(context.store.list("evaluations/")) == []


@pytest.mark.parametrize(("required", "status"), [(False, "succeeded"), (True, "failed")])
def test_a_clean_score_that_is_too_low_fails_but_is_reported(context: Context, required: bool, status: str) -> None:
    record = make_record(require_clean_score=required)
    plan = plan_of(record)
    submit_evaluation(context.store, context.queue, record, plan)

    def lose(plan: Plan, shard: Shard, model: bytes, *, put: Callable[[EpisodeResult], None], **rest: Any) -> None:
        def put_low(result: EpisodeResult) -> None:
            clean = result.cell_key == plan.cells[0].key
            put(result.model_copy(update={"episode_return": -1.0}) if clean else result)

        play(plan, shard, model, put=put_low, **rest)

    for shard in plan.shards:
        run_shard(context, make_engine(lose), ID, shard.index)
    finish_evaluation(context, make_engine(), ID)
    evaluation = load_evaluation(context.store, context.queue, ID)
    assert evaluation.status == status
    assert (evaluation.error.code if evaluation.error else None) == ("clean-score-too-low" if required else None)
    assert report(context).cells[0].mean == -1.0
