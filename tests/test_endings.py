"""How work ends: once and for good."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from saddlepoint.endings import cancel_evaluation, cancel_training, end
from saddlepoint.errors import AlreadyEnded, JobFailed, NotFound
from saddlepoint.queue import JobQueue, LiveProgress
from saddlepoint.schemas import keys
from saddlepoint.schemas.evaluations import Progress
from saddlepoint.schemas.problems import problem_of
from saddlepoint.submission import submit_evaluation
from saddlepoint.work import EVALUATION, find_terminal
from tests.worker.world import make_context, make_record, plan_of
from worker.context import Context

ID = "evaluation"


@pytest.fixture
def context(tmp_path: Path, redis_url: str) -> Context:
    context = make_context(tmp_path / "store", redis_url)
    submit(context, ID)
    return context


def submit(context: Context, evaluation_id: str) -> None:
    record = make_record(evaluation_id)
    submit_evaluation(context.store, context.queue, record, plan_of(record))


def test_the_first_end_stands(context: Context) -> None:
    problem = problem_of(JobFailed("It broke."))
    first = end(context.store, context.queue, EVALUATION, ID, "failed", error=problem)
    second = end(context.store, context.queue, EVALUATION, ID, "succeeded")
    assert (first.status, first.error) == ("failed", problem)
    assert second == first == find_terminal(context.store, EVALUATION, ID)


def test_an_end_keeps_the_progress_and_clears_what_was_live(context: Context) -> None:
    context.queue.record_episodes(ID, [(0, 0, 0), (0, 0, 1)])
    context.queue.record_steps(ID, 0, 500)
    terminal = end(context.store, context.queue, EVALUATION, ID, "failed")
    assert terminal.progress == Progress(episodes_done=2, episodes_planned=17, environment_steps=500)
    assert context.queue.progress(ID) == LiveProgress()
    assert list(context.store.list("active/")) == []


def test_a_cancel_is_an_end_and_may_be_repeated(context: Context) -> None:
    canceled = [cancel_evaluation(context.store, context.queue, ID) for _ in range(3)]
    assert canceled == [True, False, False]
    terminal = find_terminal(context.store, EVALUATION, ID)
    assert terminal
    assert terminal.status == "canceled"


def test_a_cancel_that_died_after_its_marker_is_completed(context: Context) -> None:
    context.store.put(keys.evaluation_cancel(ID), b"")
    assert not cancel_evaluation(context.store, context.queue, ID)
    assert find_terminal(context.store, EVALUATION, ID)


@pytest.mark.parametrize("status", ["succeeded", "failed"])
def test_what_has_ended_cannot_be_canceled(context: Context, status: str) -> None:
    end(context.store, context.queue, EVALUATION, ID, status)  # type: ignore[arg-type]
    with pytest.raises(AlreadyEnded, match=f"has {status}"):
        cancel_evaluation(context.store, context.queue, ID)
    assert not context.store.exists(keys.evaluation_cancel(ID))


@pytest.mark.parametrize("cancel", [cancel_evaluation, cancel_training])
def test_what_is_not_there_cannot_be_canceled(context: Context, cancel: Callable[..., bool]) -> None:
    with pytest.raises(NotFound, match="There is no"):
        cancel(context.store, context.queue, "unknown")
    assert not context.store.exists(keys.evaluation_cancel("unknown"))


def test_a_cancel_works_while_redis_is_away(context: Context, tmp_path: Path) -> None:
    away = JobQueue.open(f"unix://{tmp_path}/nobody")
    assert cancel_evaluation(context.store, away, ID)


def test_cancel_and_finish_at_once_end_it_one_way_for_all(context: Context) -> None:
    def cancel(evaluation_id: str) -> str:
        try:
            cancel_evaluation(context.store, context.queue, evaluation_id)
        except AlreadyEnded:
            return "succeeded"
        return "canceled"

    def finish(evaluation_id: str) -> str:
        return end(context.store, context.queue, EVALUATION, evaluation_id, "succeeded").status

    with ThreadPoolExecutor(8) as pool:
        for number in range(12):
            evaluation_id = f"race{number}"
            submit(context, evaluation_id)
            racers = [partial(action, evaluation_id) for action in (cancel, finish) * 4]
            seen = set(pool.map(lambda racer: racer(), racers))
            terminal = find_terminal(context.store, EVALUATION, evaluation_id)
            assert terminal
            assert seen == {terminal.status}
