"""Evaluations enter the leaderboard when they succeed, and only then."""

import pytest

from saddlepoint.endings import cancel_evaluation
from saddlepoint.errors import CleanScoreTooLow
from saddlepoint.schemas import keys
from saddlepoint.schemas.plans import Plan
from saddlepoint.schemas.problems import problem_of
from saddlepoint.schemas.reports import RobustnessReport
from saddlepoint.standings import put_standing, read_leaderboard
from saddlepoint.store import Store
from saddlepoint.work import EVALUATION, find_terminal
from tests.worker.test_comparisons import evaluate
from worker import finishing
from worker.context import Context


def entered(context: Context) -> list[str]:
    boards = read_leaderboard(context.store, "owner", None, top=10, limit=10).items
    return sorted(standing.evaluation_id for board in boards for standing in board.items)


def test_evaluations_of_one_specification_stand_on_one_board(context: Context) -> None:
    evaluate(context, "one")
    evaluate(context, "two")
    evaluate(context, "longer", episodes_per_seed=3)
    boards = read_leaderboard(context.store, "owner", "BoxingNoFrameskip-v4", top=10, limit=10).items
    assert sorted(board.size for board in boards) == [1, 2]
    assert entered(context) == ["longer", "one", "two"]


def test_an_evaluation_that_failed_is_not_entered(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here because its policy is no better than chance, and that was asked for."""
    problem = problem_of(CleanScoreTooLow("Without attack it scores too little."))
    monkeypatch.setattr(finishing, "_clean_score_problem", lambda *arguments: problem)
    evaluate(context, "poor")
    terminal = find_terminal(context.store, EVALUATION, "poor")
    assert terminal is not None
    assert (terminal.status, entered(context)) == ("failed", [])


def test_one_that_was_canceled_at_the_last_moment_is_taken_back(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:

    def put_and_be_canceled(store: Store, plan: Plan, report: RobustnessReport) -> None:
        put_standing(store, plan, report)
        assert len(entered(context)) == 1
        cancel_evaluation(context.store, context.queue, "late")

    monkeypatch.setattr(finishing, "put_standing", put_and_be_canceled)
    evaluate(context, "late")
    assert entered(context) == []
    assert not context.store.exists(keys.evaluation_report("late", "json"))
