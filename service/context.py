"""What routes work with: made once by `create_app`, passed to every route."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request

from saddlepoint.job_states import load_attack, load_comparison, load_job_record, load_landscape
from saddlepoint.queue import JobQueue
from saddlepoint.schemas.comparisons import Comparison, ComparisonRecord
from saddlepoint.schemas.evaluations import Evaluation
from saddlepoint.schemas.landscapes import Landscape, LandscapeRecord
from saddlepoint.schemas.observation_attacks import ObservationAttack, ObservationAttackRecord
from saddlepoint.schemas.trainings import Training
from saddlepoint.settings import Settings
from saddlepoint.state import load_evaluation, load_record, load_training
from saddlepoint.store import MeasuredStore, Store
from saddlepoint.work import ATTACK, COMPARISON, LANDSCAPE
from service.channels import Channels
from service.environments import Environments
from service.headlines import Headlines
from service.key_ring import Caller, KeyRing
from service.metrics import Metrics
from service.quotas import Quotas
from service.readiness import Readiness
from service.snapshots import Snapshots
from service.spool import spool_folder
from service.trainings import load_training_record
from service.uploads import Uploads
from service.wire import with_links


@dataclass(frozen=True)
class Context:
    """The parts of a running service."""

    settings: Settings
    ring: KeyRing
    store: Store
    queue: JobQueue
    spool: Path
    environments: Environments
    quotas: Quotas
    uploads: Uploads
    evaluations: Snapshots[Evaluation]
    trainings: Snapshots[Training]
    readiness: Readiness
    attacks: Snapshots[ObservationAttack]
    landscapes: Snapshots[Landscape]
    comparisons: Snapshots[Comparison]
    evaluation_briefs: Snapshots[Evaluation]
    """Without their cells, which lists do not show and which are most of what there is to read."""
    training_briefs: Snapshots[Training]
    """Without their curves, likewise."""
    headlines: Headlines
    evaluation_events: Channels[Evaluation]
    training_events: Channels[Training]
    metrics: Metrics


def make_context(settings: Settings, store: Store, queue: JobQueue) -> Context:
    """The parts of a service over this store and this queue."""
    metrics = Metrics(queue)
    store = MeasuredStore(store, metrics.store)

    def evaluation(evaluation_id: str, *, cells: bool = True) -> tuple[str, Evaluation]:
        found = load_evaluation(store, queue, evaluation_id, cells=cells)
        return load_record(store, evaluation_id).owner, with_links(found)

    def training(training_id: str, *, curve: bool = True) -> tuple[str, Training]:
        found = load_training(store, queue, training_id, curve=curve)
        return load_training_record(store, training_id).owner, with_links(found)

    def attack(attack_id: str) -> tuple[str, ObservationAttack]:
        record = load_job_record(store, ATTACK, attack_id, ObservationAttackRecord)
        return record.owner, with_links(load_attack(store, queue, record))

    def landscape(landscape_id: str) -> tuple[str, Landscape]:
        record = load_job_record(store, LANDSCAPE, landscape_id, LandscapeRecord)
        return record.owner, with_links(load_landscape(store, queue, record))

    def comparison(comparison_id: str) -> tuple[str, Comparison]:
        record = load_job_record(store, COMPARISON, comparison_id, ComparisonRecord)
        return record.owner, with_links(load_comparison(store, queue, record))

    quotas = Quotas(settings, store)
    evaluations, trainings = Snapshots(evaluation), Snapshots(training)
    return Context(
        settings=settings,
        ring=KeyRing(settings.api_keys, store),
        store=store,
        queue=queue,
        spool=spool_folder(settings),
        environments=Environments(store, queue, settings.verdict_wait_s),
        quotas=quotas,
        uploads=Uploads(store, queue, quotas, settings.verdict_wait_s),
        evaluations=evaluations,
        trainings=trainings,
        readiness=Readiness(store, queue),
        attacks=Snapshots(attack),
        landscapes=Snapshots(landscape),
        comparisons=Snapshots(comparison),
        evaluation_briefs=Snapshots(partial(evaluation, cells=False)),
        training_briefs=Snapshots(partial(training, curve=False)),
        headlines=Headlines(store),
        evaluation_events=Channels(evaluations),
        training_events=Channels(trainings),
        metrics=metrics,
    )


async def _context(request: Request) -> Context:
    context = request.app.state.context
    assert isinstance(context, Context)
    return context


async def _owner(request: Request) -> str:
    caller: Caller = request.state.caller
    return caller.tenant


ContextOf = Annotated[Context, Depends(_context)]
OwnerOf = Annotated[str, Depends(_owner)]
