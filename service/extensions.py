"""From an evaluation and what is added to it to the request for a larger one."""

from saddlepoint.errors import Conflict
from saddlepoint.schemas import keys
from saddlepoint.schemas.extensions import ExtensionSpec, extended
from saddlepoint.schemas.plans import Plan
from saddlepoint.state import load_record
from saddlepoint.store import Store, find_record
from service.evaluations import EvaluationRequest
from service.ownership import load_card


def extension_request(
    store: Store, owner: str, parent_id: str, more: ExtensionSpec, idempotency_key: str | None
) -> EvaluationRequest:
    """The evaluation that holds all episodes of its parent and more. May block.

    Precision, batch width and environment are those of the parent's plan, because the results of its episodes follow
    from them: so what is stored counts here too, and only what is missing is played.
    Raises InvalidSpec, Conflict where the parent has no plan yet, and NotFound where its policy is gone.
    """
    record = load_record(store, parent_id)
    plan = find_record(store, keys.evaluation_plan(parent_id), Plan)
    if plan is None:
        raise Conflict(
            f"The evaluation {parent_id} waits for its policy to be validated and has no plan to extend yet. "
            "Try again when it is processing."
        )
    spec = extended(record.spec, more).model_copy(update={"precision": plan.precision})
    return EvaluationRequest(
        owner=owner,
        spec=spec,
        environment=plan.environment,
        policy_id=record.policy_id,
        card=load_card(store, owner, record.policy_id),
        idempotency_key=idempotency_key,
        parent=parent_id,
        lanes=plan.shards[0].lanes,
    )
