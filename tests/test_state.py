"""What evaluations and trainings look like from outside."""

from pathlib import Path

import pytest

from saddlepoint.endings import end
from saddlepoint.errors import NotFound, Unavailable
from saddlepoint.queue import JobQueue
from saddlepoint.schemas import keys
from saddlepoint.schemas.environments import EnvironmentSpec
from saddlepoint.schemas.evaluations import Progress
from saddlepoint.schemas.trainings import CurvePiece, CurvePoint, TrainingRecord, TrainingSpec
from saddlepoint.state import load_curve, load_evaluation, load_training
from saddlepoint.store import put_record
from saddlepoint.submission import submit_evaluation, submit_training
from saddlepoint.work import EVALUATION, TRAINING
from tests.worker.world import NOW, fold_cell, make_context, make_record, plan_of, result_of
from worker.context import Context

ID = "evaluation"
RECORD = make_record()
PLAN = plan_of(RECORD)


@pytest.fixture
def context(tmp_path: Path, redis_url: str) -> Context:
    context = make_context(tmp_path / "store", redis_url)
    submit_evaluation(context.store, context.queue, RECORD, PLAN)
    return context


@pytest.fixture
def away(tmp_path: Path) -> JobQueue:
    return JobQueue.open(f"unix://{tmp_path}/nobody")


def test_an_accepted_evaluation_is_queued(context: Context) -> None:
    evaluation = load_evaluation(context.store, context.queue, ID)
    assert (evaluation.id, evaluation.status, evaluation.spec) == (ID, "queued", RECORD.spec)
    assert evaluation.progress == Progress(episodes_planned=17)
    assert evaluation.finished_at is None


def test_it_shows_what_the_workers_said_last(context: Context) -> None:
    context.queue.set_phase(ID, "processing")
    context.queue.record_episodes(ID, [(0, 0, 0)])
    context.queue.record_steps(ID, 2, 40)
    evaluation = load_evaluation(context.store, context.queue, ID)
    assert evaluation.status == "processing"
    assert evaluation.progress == Progress(episodes_done=1, episodes_planned=17, environment_steps=40)


def test_it_shows_finished_cells_in_order_unless_told_not_to(context: Context) -> None:
    for index in (1, 0):
        cell = fold_cell(PLAN, PLAN.cells[index], [result_of(PLAN, PLAN.shards[0].entries[0])])
        put_record(context.store, keys.evaluation_cell(ID, index), cell)
    assert [cell.label for cell in load_evaluation(context.store, context.queue, ID).cells] == ["none", "random"]
    assert load_evaluation(context.store, context.queue, ID, cells=False).cells == []


def test_a_cancel_marker_alone_is_no_end(context: Context) -> None:
    context.store.put(keys.evaluation_cancel(ID), b"")
    assert load_evaluation(context.store, context.queue, ID).status == "queued"


def test_what_has_ended_is_told_without_redis(context: Context, away: JobQueue) -> None:
    with pytest.raises(Unavailable):
        load_evaluation(context.store, away, ID)
    end(context.store, context.queue, EVALUATION, ID, "succeeded", progress=Progress(episodes_done=17))
    context.queue.set_phase(ID, "starting")
    for queue in (away, context.queue):
        evaluation = load_evaluation(context.store, queue, ID)
        assert (evaluation.status, evaluation.progress.episodes_done) == ("succeeded", 17)
        assert evaluation.finished_at


def test_what_is_not_there_is_not_found(context: Context) -> None:
    for load in (load_evaluation, load_training):
        for unknown in ("unknown", "../evaluation", "x" * 5000):
            with pytest.raises(NotFound):
                load(context.store, context.queue, unknown)


def test_of_an_update_that_two_attempts_trained_the_later_one_counts(context: Context) -> None:
    """However far the one before it had come."""
    first, second = ([CurvePoint(update=n, steps=n, episodes=n, mean_return=r) for n in (1, 2, 3)] for r in (0.0, 1.0))
    put_record(context.store, keys.training_curve("t", 3, 0), CurvePiece(points=first))
    put_record(context.store, keys.training_curve("t", 2, 1), CurvePiece(points=second[1:2]))
    assert load_curve(context.store, "t") == [first[0], second[1], first[2]]


def test_a_training_shows_its_curve_and_its_policy(context: Context) -> None:
    spec = TrainingSpec(env=EnvironmentSpec(id="CartPole-v1"), config={"steps": 5000, "actors": 8, "horizon": 128})
    submit_training(context.store, context.queue, TrainingRecord(id="t", owner="owner", spec=spec, created_at=NOW))
    points = [CurvePoint(update=n, steps=1024 * n, episodes=n, mean_return=None) for n in range(1, 4)]
    again = points[1].model_copy(update={"episodes": 9})
    put_record(context.store, keys.training_curve("t", 2, 0), CurvePiece(points=points[:2]))
    put_record(context.store, keys.training_curve("t", 3, 1), CurvePiece(points=[again, points[2]]))
    training = load_training(context.store, context.queue, "t")
    assert training.progress.curve == [points[0], again, points[2]]
    assert (training.progress.steps_done, training.progress.steps_planned) == (3072, 4096)
    end(context.store, context.queue, TRAINING, "t", "succeeded", policy_id="trained")
    ended = load_training(context.store, context.queue, "t", curve=False)
    assert (ended.status, ended.policy_id, ended.progress.curve) == ("succeeded", "trained", [points[2]])
