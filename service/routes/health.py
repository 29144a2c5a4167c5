"""`/livez` and `/readyz`."""

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool

from saddlepoint.errors import StoreError, Unavailable
from saddlepoint.schemas import keys
from service.context import ContextOf

router = APIRouter(tags=["probes"])


@router.get("/livez", summary="The process answers")
async def livez() -> dict[str, str]:
    return {"status": "alive"}


@router.get("/readyz", summary="The store and Redis answer too; 503 otherwise")
async def readyz(context: ContextOf) -> dict[str, str]:
    try:
        await run_in_threadpool(context.store.put, keys.PROBE, b"")
    except StoreError:
        raise Unavailable("The artifact store cannot be written right now; see to its disk or its network.") from None
    await run_in_threadpool(context.queue.ping)
    return {"status": "ready"}
