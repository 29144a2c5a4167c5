"""`/metrics`."""

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from service.context import ContextOf

router = APIRouter(tags=["probes"])


@router.get("/metrics", response_class=Response, summary="What Prometheus collects")
async def metrics(context: ContextOf) -> Response:
    """Queues, workers, jobs and requests, of all tenants together. Where there are keys it takes the scope `admin`."""
    return Response(await run_in_threadpool(context.metrics.text), media_type=CONTENT_TYPE_LATEST)
