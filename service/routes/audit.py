"""`/v1/audit`."""

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from saddlepoint.schemas.access import AuditPage
from service.audit import audit_page
from service.context import ContextOf, OwnerOf
from service.rendering import json_response
from service.requests import DEFAULT_PAGE, Cursor, Limit

router = APIRouter(prefix="/v1/audit", tags=["audit"])


@router.get("", response_model=AuditPage, summary="Who did what, newest first")
async def index(context: ContextOf, owner: OwnerOf, limit: Limit = DEFAULT_PAGE, cursor: Cursor = None) -> Response:
    """Every change that was granted in your tenant's name, and every one that a key was not good for."""
    return json_response(await run_in_threadpool(audit_page, context.store, owner, limit, cursor))
