"""Looking at a finished evaluation once more, once: what is found is put, and the first put stands."""

import logging
from collections.abc import Callable, Mapping, Sequence

from saddlepoint.errors import NotFound, StoreError
from saddlepoint.schemas import keys
from saddlepoint.schemas.examinations import Examination
from saddlepoint.schemas.plans import EpisodeResult, Plan
from saddlepoint.schemas.policies import PolicyCard
from saddlepoint.store import get_record, put_record
from worker.attempts import attempting
from worker.context import Context
from worker.damage import find_undamaged
from worker.engine import Examine
from worker.policies import load_model

STALL_S = 1800.0
"""Between two signs of life."""

_log = logging.getLogger(__name__)


def examined(
    context: Context,
    examine: Examine,
    plan: Plan,
    card: PolicyCard,
    episodes: Mapping[int, Sequence[EpisodeResult]],
    alive: Callable[[], None],
) -> Examination:
    """What was found, or is now. Without it a report lacks a few numbers, so a defect here does not cost the report,
    nor does one that kills the worker: its attempts are counted apart.

    Raises StoreError, and NotFound where the policy was deleted.
    """
    key = keys.evaluation_examination(plan.evaluation_id)
    known = find_undamaged(context.store, key, Examination)
    if known is not None:
        return known
    try:
        with attempting(context.store, plan.evaluation_id, len(plan.shards) + 1, finished=0):
            model = load_model(context, plan.policy_id)
            found = examine(plan, card, model, episodes, alive=alive)
    except (StoreError, NotFound):
        raise
    except Exception:
        _log.exception("evaluation %s: the examination failed; the report goes without it", plan.evaluation_id)
        found = Examination()
    put_record(context.store, key, found)
    return get_record(context.store, key, Examination)
