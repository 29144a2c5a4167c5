"""What an evaluation would take, without beginning it."""

from saddlepoint.errors import Unavailable
from saddlepoint.queue import EVALUATE
from saddlepoint.schemas import keys
from saddlepoint.schemas.estimates import Estimate
from saddlepoint.schemas.evaluations import Evaluation
from saddlepoint.state import load_evaluation
from saddlepoint.work import EVALUATION, find_terminal
from service.context import Context
from service.estimates import Played, estimate, played
from service.evaluations import EvaluationRequest, find_same, plan_of
from service.pagination import read_page

_LOOKED_AT = 30
"""Of the newest evaluations, for those in the same environment."""


def estimated(context: Context, request: EvaluationRequest) -> Estimate:
    """Validates and plans as an evaluation is accepted, and stores nothing. May block. Raises what `plan_of` raises."""
    plan = plan_of(request, default_precision=context.settings.default_precision)
    return estimate(
        plan,
        _history(context, request),
        workers=_workers(context),
        evaluation_id=find_same(context.store, request),
    )


def _history(context: Context, request: EvaluationRequest) -> list[Played]:
    """Of the same owner, newest first."""
    page = read_page(context.store, keys.evaluation_index_prefix(request.owner), _LOOKED_AT, None)
    ended = (_find_ended(context, evaluation_id) for evaluation_id in page.ids)
    same = (one for one in ended if one is not None and one.spec.env.resolved() == request.spec.env.resolved())
    return [found for one in same if (found := played(one)) is not None]


def _find_ended(context: Context, evaluation_id: str) -> Evaluation | None:
    if find_terminal(context.store, EVALUATION, evaluation_id) is None:
        return None
    return load_evaluation(context.store, context.queue, evaluation_id, cells=False)


def _workers(context: Context) -> int:
    """Evaluators that are there; none while Redis does not say."""
    try:
        return context.queue.activity().workers_of(EVALUATE)
    except Unavailable:
        return 0
