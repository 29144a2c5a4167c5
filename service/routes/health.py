"""`/livez` and `/readyz`."""

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool

from service.context import ContextOf

router = APIRouter(tags=["probes"])


@router.get("/livez", summary="The process answers")
async def livez() -> dict[str, str]:
    return {"status": "alive"}


@router.get("/readyz", summary="The store and Redis answer too; 503 otherwise")
async def readyz(context: ContextOf) -> dict[str, str]:
    await run_in_threadpool(context.readiness.check)
    return {"status": "ready"}
