"""Reports and the end of their evaluations, which are two puts: what is left where a cancel came between them."""

from saddlepoint.schemas import keys
from saddlepoint.schemas.plans import Plan
from saddlepoint.schemas.reports import STORED_FORMS, RobustnessReport
from saddlepoint.standings import drop_standing
from saddlepoint.store import Store, find_record, get_record
from saddlepoint.work import EVALUATION, find_terminal


def settle_publication(store: Store, evaluation_id: str) -> None:
    """Leave a report only where the end that stands agrees: a cancel may have won, and its evaluation has none.

    For whoever put it, or later for the reconciler, because the one who put it may die before this.
    """
    terminal = find_terminal(store, EVALUATION, evaluation_id)
    if terminal is None:
        return  # it goes on, and the next one who finishes it comes here again
    if terminal.status == "canceled":
        plan = get_record(store, keys.evaluation_plan(evaluation_id), Plan)
        report = find_record(store, keys.evaluation_report(evaluation_id, "json"), RobustnessReport)
        if report is not None:
            drop_standing(store, plan, report)
        for extension in reversed(STORED_FORMS):  # the one that says where its standing is comes last
            store.delete(keys.evaluation_report(evaluation_id, extension))
    store.delete(keys.publishing_evaluation(evaluation_id))
