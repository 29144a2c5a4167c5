"""The dashboard's pages."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from saddlepoint.schemas import keys
from service.catalogues import attack_catalogue, defense_catalogue
from service.context import ContextOf, OwnerOf
from service.dashboard.evaluation import read_evaluation_view
from service.dashboard.forms import evaluation_form, training_form, upload_fields
from service.dashboard.lists import evaluation_rows, training_rows
from service.dashboard.overview import find_activity, read_overview
from service.dashboard.policy import read_policy_view
from service.dashboard.shell import is_served, page
from service.dashboard.training import read_training_view
from service.dashboard.workers import owner_check, queue_rows, worker_rows
from service.ownership import load_card
from service.pagination import read_page
from service.policies import load_cards
from service.requests import Cursor

router = APIRouter(include_in_schema=False)
TRAINING_REPORT = "/v1/trainings/{training_id}/report"
_ROWS = 25
_MOST_CHOICES = 100

PolicyChoice = Annotated[str | None, Query(alias="policy", description="the policy to begin with")]


@router.get("/")
async def overview(request: Request, context: ContextOf, owner: OwnerOf) -> Response:
    shown = await read_overview(context, owner)
    return page(request, "overview.html", overview=shown, queues=queue_rows(shown.activity) if shown.activity else [])


@router.get("/evaluations")
async def evaluations(request: Request, context: ContextOf, owner: OwnerOf, cursor: Cursor = None) -> Response:
    found = await run_in_threadpool(read_page, context.store, keys.evaluation_index_prefix(owner), _ROWS, cursor)
    rows = await evaluation_rows(context, owner, found.ids)
    return page(request, "evaluations.html", rows=rows, cursor=cursor, next_cursor=found.next_cursor)


@router.get("/evaluations/new")
async def new_evaluation(request: Request, context: ContextOf, owner: OwnerOf, policy: PolicyChoice = None) -> Response:
    found = await run_in_threadpool(read_page, context.store, keys.policy_index_prefix(owner), _MOST_CHOICES, None)
    cards = await run_in_threadpool(load_cards, context.store, owner, found)
    card = await run_in_threadpool(load_card, context.store, owner, policy) if policy else None
    form = evaluation_form(card) if card else None
    return page(request, "new-evaluation.html", cards=cards, card=card, form=form)


@router.get("/evaluations/{evaluation_id}")
async def evaluation(request: Request, evaluation_id: str, context: ContextOf, owner: OwnerOf) -> Response:
    view = await read_evaluation_view(context, owner, evaluation_id)
    return page(request, "evaluation.html", view=view, evaluation=view.evaluation)


@router.get("/policies")
async def policies(request: Request, context: ContextOf, owner: OwnerOf, cursor: Cursor = None) -> Response:
    found = await run_in_threadpool(read_page, context.store, keys.policy_index_prefix(owner), _ROWS, cursor)
    cards = await run_in_threadpool(load_cards, context.store, owner, found)
    return page(
        request, "policies.html", cards=cards, fields=upload_fields(), cursor=cursor, next_cursor=found.next_cursor
    )


@router.get("/policies/{policy_id}")
async def policy(request: Request, policy_id: str, context: ContextOf, owner: OwnerOf) -> Response:
    view = await run_in_threadpool(read_policy_view, context, owner, policy_id)
    return page(request, "policy.html", view=view, card=view.card)


@router.get("/trainings")
async def trainings(request: Request, context: ContextOf, owner: OwnerOf, cursor: Cursor = None) -> Response:
    found = await run_in_threadpool(read_page, context.store, keys.training_index_prefix(owner), _ROWS, cursor)
    rows = await training_rows(context, owner, found.ids)
    return page(request, "trainings.html", rows=rows, cursor=cursor, next_cursor=found.next_cursor)


@router.get("/trainings/new")
async def new_training(request: Request, context: ContextOf, owner: OwnerOf, policy: PolicyChoice = None) -> Response:
    card = await run_in_threadpool(load_card, context.store, owner, policy) if policy else None
    return page(request, "new-training.html", card=card, form=training_form(card))


@router.get("/trainings/{training_id}")
async def training(request: Request, training_id: str, context: ContextOf, owner: OwnerOf) -> Response:
    view = await read_training_view(context, owner, training_id)
    has_report = view.training.status == "succeeded" and is_served(TRAINING_REPORT)
    return page(request, "training.html", view=view, training=view.training, has_report=has_report)


@router.get("/workers")
async def workers(request: Request, context: ContextOf, owner: OwnerOf) -> Response:
    activity = await run_in_threadpool(find_activity, context)
    queues, present = [], []
    if activity is not None:
        queues = queue_rows(activity)
        present = await run_in_threadpool(worker_rows, activity, owner_check(context.store, owner))
    return page(request, "workers.html", is_away=activity is None, queues=queues, workers=present)


@router.get("/reference")
async def reference(request: Request) -> Response:
    return page(request, "reference.html", attacks=attack_catalogue().items, defenses=defense_catalogue().items)
