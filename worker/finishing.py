"""From episodes to a report, exactly once: whoever finds everything there folds it, and the first put stands."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime

from saddlepoint.endings import end
from saddlepoint.errors import CleanScoreTooLow, Unavailable
from saddlepoint.evaluation.evidence import Evidence, NoEvidence
from saddlepoint.hiccups import left_to_the_reconciler
from saddlepoint.schemas import keys
from saddlepoint.schemas.evaluations import EvaluationRecord, Progress
from saddlepoint.schemas.examinations import Examination
from saddlepoint.schemas.plans import EpisodeResult, Plan, Shard
from saddlepoint.schemas.policies import PolicyCard
from saddlepoint.schemas.problems import Problem, problem_of
from saddlepoint.schemas.reports import RobustnessReport
from saddlepoint.standings import put_standing
from saddlepoint.store import get_record, put_record
from saddlepoint.submission import enqueue_finish
from saddlepoint.work import EVALUATION, find_terminal
from worker.attempts import attempting
from worker.context import Context
from worker.damage import find_plan
from worker.engine import Engine
from worker.episodes import entries_of, has_contradictions, is_finished, read_episodes
from worker.examining import STALL_S, examined
from worker.failing import ending_on_error
from worker.policies import load_card
from worker.publications import settle_publication
from worker.showing import DEFECT
from worker.watchdog import watchdog

NONDETERMINISTIC = (
    "Some episodes were played twice with different results (nondeterministic); the first results are reported."
)

_CHECK = "Check the observation layout, the pixel scale, the frame order and the normalisation."

_log = logging.getLogger(__name__)


def finish_cells(context: Context, engine: Engine, plan: Plan, shard: Shard) -> None:
    """Put the cells of a shard that have all their episodes, and queue the report if the whole plan has."""
    entries = entries_of(plan)
    played = {plan.cells[entry.cell].key for entry in shard.entries}
    for cell in plan.cells:
        key = keys.evaluation_cell(plan.evaluation_id, cell.index)
        if cell.role == "cell" and cell.key in played and not context.store.exists(key):
            episodes = read_episodes(context.store, plan, entries[cell.index])
            if episodes is not None:
                put_record(context.store, key, engine.fold_cell(plan, cell, episodes))
    if all(is_finished(context.store, plan, other.entries) for other in plan.shards):
        with suppress(Unavailable):  # the reconciler will see it too
            enqueue_finish(context.queue, plan.evaluation_id)


def finish_evaluation(context: Context, engine: Engine, evaluation_id: str) -> None:
    """Fold the report and end the evaluation, if every planned episode is there; else leave it as it is.

    Errors do what they do in `run_shard`.
    """
    with (
        left_to_the_reconciler(f"the report of evaluation {evaluation_id}"),
        ending_on_error(context, evaluation_id),
    ):
        plan = find_plan(context.store, evaluation_id)
        if plan is not None and find_terminal(context.store, EVALUATION, evaluation_id) is None:
            _finish(context, engine, plan)


def _finish(context: Context, engine: Engine, plan: Plan) -> None:
    evaluation_id = plan.evaluation_id
    with watchdog(STALL_S) as alive:
        episodes = _read_all(context, plan)
        if episodes is None:
            _log.info("evaluation %s lacks episodes; the reconciler will have them played", evaluation_id)
            return
        card = load_card(context, plan.policy_id)
        examination = examined(context, engine.examine, plan, card, episodes, alive)
        with attempting(context.store, evaluation_id, len(plan.shards), finished=0):
            context.store.put(keys.publishing_evaluation(evaluation_id), b"")
            report = _publish(context, engine, plan, card, episodes, examination)
            _end(context, plan, report, _clean_score_problem(plan, card, report, examination.hints))
            settle_publication(context.store, evaluation_id)


def _read_all(context: Context, plan: Plan) -> dict[int, list[EpisodeResult]] | None:
    found = {}
    for index, entries in entries_of(plan).items():
        episodes = read_episodes(context.store, plan, entries)
        if episodes is None:
            return None
        found[index] = episodes
    return found


def _publish(
    context: Context,
    engine: Engine,
    plan: Plan,
    card: PolicyCard,
    episodes: dict[int, list[EpisodeResult]],
    examination: Examination,
) -> RobustnessReport:
    """Put the report in its forms; the one that stands."""
    store, evaluation_id = context.store, plan.evaluation_id
    key = keys.evaluation_report(evaluation_id, "json")
    record = get_record(store, keys.evaluation_spec(evaluation_id), EvaluationRecord)
    wall_time_s = (datetime.now(UTC) - record.created_at).total_seconds()
    report = engine.fold_report(plan, record.spec, card, episodes, wall_time_s=wall_time_s, examination=examination)
    if has_contradictions(store, plan):
        report = report.model_copy(update={"warnings": [*report.warnings, NONDETERMINISTIC]})
    put_record(store, key, report)
    report = get_record(store, key, RobustnessReport)
    evidence = engine.show(store, plan, report, episodes)
    for extension, form in _forms(engine, report, evidence).items():
        store.put(keys.evaluation_report(evaluation_id, extension), form)
    return report


def _forms(engine: Engine, report: RobustnessReport, evidence: Evidence | NoEvidence) -> Mapping[str, bytes]:
    """With the evidence, unless a defect in showing it would cost them."""
    try:
        return engine.render(report, evidence)
    except Exception:
        if isinstance(evidence, NoEvidence):
            raise
        _log.exception("evaluation %s: the evidence cannot be shown; the page goes without it", report.id)
        return engine.render(report, NoEvidence(DEFECT))


def _end(context: Context, plan: Plan, report: RobustnessReport, error: Problem | None) -> None:
    if error is None:  # before the end, after which nobody would come back to it
        put_standing(context.store, plan, report)
    end(
        context.store,
        context.queue,
        EVALUATION,
        plan.evaluation_id,
        "failed" if error else "succeeded",
        error=error,
        progress=Progress(
            episodes_done=plan.episodes_planned,
            episodes_planned=plan.episodes_planned,
            environment_steps=report.environment_steps,
        ),
    )


def _clean_score_problem(
    plan: Plan, card: PolicyCard, report: RobustnessReport, hints: Sequence[str]
) -> Problem | None:
    """None too for a policy that was trained here: how it is read is known, and a poor one is a result."""
    clean = next((cell.mean for cell in report.cells if cell.attack == "none"), None)
    random_policy = report.reference.random_policy.mean
    if not plan.require_clean_score or card.lineage is not None or clean is None or clean > random_policy:
        return None
    return problem_of(
        CleanScoreTooLow(
            f"Without attack the policy scores {clean:g}, which must exceed the {random_policy:g} of a random policy "
            f"(require_clean_score). {' '.join(hints) or _CHECK} The report is there nevertheless."
        )
    )
