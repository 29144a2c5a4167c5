"""The first page: what goes on, and what came out lately."""

from collections.abc import Container, Sequence
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool

from saddlepoint.errors import Unavailable
from saddlepoint.queue import Activity
from saddlepoint.schemas import keys
from saddlepoint.store import Store
from service.context import Context
from service.dashboard.lists import EvaluationRow, TrainingRow, evaluation_rows, training_rows
from service.pagination import ids_of

MOST_RUNNING = 10
MOST_RECENT = 8


@dataclass(frozen=True)
class Jobs:
    """Ids of one kind, newest first."""

    running: list[str]
    running_in_all: int
    recent: list[str]


@dataclass(frozen=True)
class Overview:
    evaluations: list[EvaluationRow]
    """Those that go on, newest first."""
    evaluations_in_all: int
    trainings: list[TrainingRow]
    trainings_in_all: int
    recent: list[EvaluationRow]
    """Those that ended last."""
    has_policies: bool
    activity: Activity | None
    """None while Redis is away."""


async def read_overview(context: Context, owner: str) -> Overview:
    """What `owner` sees first. Raises Unavailable where something goes on and Redis is away."""
    store = context.store
    evaluations = await run_in_threadpool(_jobs, store, keys.evaluation_index_prefix(owner), keys.ACTIVE_EVALUATIONS)
    trainings = await run_in_threadpool(_jobs, store, keys.training_index_prefix(owner), keys.ACTIVE_TRAININGS)
    return Overview(
        evaluations=await evaluation_rows(context, owner, evaluations.running),
        evaluations_in_all=evaluations.running_in_all,
        trainings=await training_rows(context, owner, trainings.running),
        trainings_in_all=trainings.running_in_all,
        recent=await evaluation_rows(context, owner, evaluations.recent),
        has_policies=await run_in_threadpool(_any, store, keys.policy_index_prefix(owner)),
        activity=await run_in_threadpool(find_activity, context),
    )


def find_activity(context: Context) -> Activity | None:
    """None while Redis is away. May block."""
    try:
        return context.queue.activity()
    except Unavailable:
        return None


def divide(newest_first: Sequence[str], active: Container[str]) -> Jobs:
    """Which of the ids to show as running, and which as recent."""
    running = [one for one in newest_first if one in active]
    recent: list[str] = []
    for one in newest_first:
        if one not in active:
            recent.append(one)
            if len(recent) == MOST_RECENT:
                break
    return Jobs(running[:MOST_RUNNING], len(running), recent)


def _jobs(store: Store, index: str, markers: str) -> Jobs:
    active = frozenset(key.removeprefix(markers) for key in store.list(markers))
    return divide(ids_of(store, index), active)


def _any(store: Store, prefix: str) -> bool:
    return next(iter(store.list(prefix)), None) is not None
