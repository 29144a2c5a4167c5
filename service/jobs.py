"""What evaluations and trainings have in common as answers."""

from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from service.pagination import IdPage
from service.rendering import preferred_wait_s, tagged_response
from service.snapshots import AnyJob as Job
from service.snapshots import Snapshot, Snapshots


async def job_response(request: Request, jobs: Snapshots[Job], owner: str, job_id: str) -> Response:
    """The state of a job, waited for as the client prefers."""
    snapshot, headers = await _awaited(request, jobs, owner, job_id)
    return tagged_response(request, snapshot.body, snapshot.etag, media_type="application/json", headers=headers)


async def accepted_response(request: Request, jobs: Snapshots[Job], owner: str, job_id: str, location: str) -> Response:
    """202 with the state of a job, which may have ended long ago: what was asked for is accepted, again and again."""
    snapshot, headers = await _awaited(request, jobs, owner, job_id)
    return Response(snapshot.body, 202, {"Location": location, **headers}, media_type="application/json")


async def canceled_response(jobs: Snapshots[Job], owner: str, job_id: str, cancel: Callable[[], bool]) -> Response:
    """202 where `cancel` (which may block) was the first to do so, 200 where it was canceled before."""
    await jobs.get(owner, job_id)
    first = await run_in_threadpool(cancel)
    jobs.forget(job_id)
    snapshot = await jobs.get(owner, job_id)
    return Response(snapshot.body, 202 if first else 200, media_type="application/json")


async def list_jobs(briefs: Snapshots[Job], owner: str, page: IdPage) -> list[Job]:
    """The jobs of a page, without their bulk."""
    return [(await briefs.get(owner, job_id)).job for job_id in page.ids]


async def _awaited(
    request: Request, jobs: Snapshots[Job], owner: str, job_id: str
) -> tuple[Snapshot[Job], dict[str, str]]:
    wait_s = preferred_wait_s(request)
    if wait_s is None:
        return await jobs.get(owner, job_id), {}
    return await jobs.wait(owner, job_id, wait_s), {"Preference-Applied": f"wait={wait_s:.0f}"}
