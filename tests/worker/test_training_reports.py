"""Reports of trainings as a worker makes them, from what lies in the store."""

import pytest

from saddlepoint.endings import end
from saddlepoint.queue import CHUNK
from saddlepoint.schemas import keys
from saddlepoint.schemas.evaluations import TerminalRecord
from saddlepoint.schemas.training_reports import TrainingReport, training_report_id
from saddlepoint.schemas.trainings import CurvePiece
from saddlepoint.store import put_record
from saddlepoint.training_reporting import submit_training_report
from saddlepoint.work import COMPARISON, TRAINING, TRAINING_REPORT, find_terminal
from tests.evaluation.sample_comparison import sample_comparison
from tests.evaluation.sample_training import curve, published, training_record
from worker.chunks import run_chunk
from worker.context import Context
from worker.reconciling import Reconciler
from worker.training_reports import TRAINING_REPORTS

TRAINED = training_record()


@pytest.fixture
def trained(context: Context) -> Context:
    """What a trainer and a comparison `c` have left."""
    card = published(TRAINED)
    put_record(context.store, keys.training_spec(TRAINED.id), TRAINED)
    put_record(context.store, keys.training_curve(TRAINED.id, 4, 0), CurvePiece(points=curve()))
    put_record(context.store, keys.policy_card(card.id), card)
    put_record(context.store, keys.job_result(COMPARISON.name, "c", "json"), sample_comparison())
    end(context.store, context.queue, TRAINING, TRAINED.id, "succeeded", policy_id=card.id)
    return context


def made(context: Context, comparison_id: str | None) -> TerminalRecord | None:
    """How the making of a report ends."""
    report_id = submit_training_report(context.store, context.queue, TRAINED, comparison_id)
    run_chunk(context, TRAINING_REPORTS, report_id, 0)
    return find_terminal(context.store, TRAINING_REPORT, report_id)


def result(context: Context, comparison_id: str | None, form: str) -> bytes:
    key = keys.job_result(TRAINING_REPORT.name, training_report_id(TRAINED.id, comparison_id), form)
    return context.store.get(key)


def test_a_training_becomes_a_report_of_numbers_and_a_page(trained: Context) -> None:
    ended = made(trained, None)
    report = TrainingReport.model_validate_json(result(trained, None, "json"))
    assert ended is not None
    assert (ended.status, report.id, report.comparison) == ("succeeded", TRAINED.id, None)
    assert [point.mean_return for point in report.curve] == [20.0, 60.0, 140.0, 150.0]
    assert result(trained, None, "html").startswith(b"<!doctype html>")


def test_one_that_is_compared_has_a_report_of_its_own(trained: Context) -> None:
    made(trained, None)
    made(trained, "c")
    report = TrainingReport.model_validate_json(result(trained, "c", "json"))
    assert report.comparison == sample_comparison()
    assert b"What changed" in result(trained, "c", "html")
    assert b"What changed" not in result(trained, None, "html")


def test_it_is_made_once_however_often_it_is_asked_for(trained: Context) -> None:
    made(trained, None)
    before = result(trained, None, "json")
    made(trained, None)
    assert result(trained, None, "json") == before


def test_one_that_redis_lost_is_queued_again(trained: Context) -> None:
    report_id = submit_training_report(trained.store, trained.queue, TRAINED, None)
    trained.queue._connection.flushall()
    Reconciler(trained).run_pass()
    assert trained.queue.is_active(CHUNK, TRAINING_REPORT.name, report_id, "0")


def test_a_comparison_that_was_deleted_ends_it_and_says_so(trained: Context) -> None:
    trained.store.delete(keys.job_result(COMPARISON.name, "c", "json"))
    ended = made(trained, "c")
    assert ended is not None
    assert ended.error is not None
    assert (ended.status, ended.error.code) == ("failed", "not-found")
