"""Planning an evaluation that was accepted before its policy was validated."""

from saddlepoint.errors import ArtifactCorrupt, JobFailed
from saddlepoint.findings import find_environment
from saddlepoint.queue import DESCRIBE
from saddlepoint.schemas import keys
from saddlepoint.schemas.environments import EnvironmentDescription, EnvironmentSpec, describe_atari
from saddlepoint.schemas.evaluations import EvaluationRecord
from saddlepoint.schemas.plans import make_plan
from saddlepoint.schemas.policies import PolicyCard, Verdict, check_compatible
from saddlepoint.schemas.problems import error_of
from saddlepoint.store import find_record
from saddlepoint.submission import submit_evaluation
from worker.context import Context
from worker.damage import find_undamaged
from worker.policies import find_card

_DESCRIBE_TIMEOUT_S = 120.0


def plan_evaluation(context: Context, record: EvaluationRecord) -> None:
    """Plan and queue an evaluation once its policy and its environment are known, else leave it for the next pass.

    Raises the SaddlepointError that it must end with.
    """
    card = _find_card(context, record)
    environment = _find_environment(context, record.spec.env)
    if card is None or environment is None:
        return
    check_compatible(card, environment)
    plan = make_plan(record, card, environment, default_precision=context.settings.default_precision)
    submit_evaluation(context.store, context.queue, record, plan)


def _find_card(context: Context, record: EvaluationRecord) -> PolicyCard | None:
    card = find_card(context, record.policy_id)
    if card is not None or record.upload_id is None:
        return card
    verdict = find_record(context.store, keys.upload_verdict(record.upload_id), Verdict)
    if verdict is not None and verdict.problem is not None:
        raise error_of(verdict.problem)
    if not context.store.exists(keys.upload_request(record.upload_id)):
        raise JobFailed("The uploaded policy was not validated within an hour and is gone; upload it again.")
    return None


def _find_environment(context: Context, env: EnvironmentSpec) -> EnvironmentDescription | None:
    if env.is_atari:
        return describe_atari(env)
    try:
        found = find_environment(context.store, env)
    except ArtifactCorrupt:
        found = find_undamaged(context.store, keys.environment(env.key()), EnvironmentDescription)
    if found is None:
        context.queue.enqueue(DESCRIBE, env.resolved().model_dump_json(), timeout_s=_DESCRIBE_TIMEOUT_S)
    return found
