"""`/docs`, `/openapi.json` and what pages load: nothing of it comes from elsewhere."""

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from saddlepoint.errors import NotFound
from service.dashboard.shell import page
from service.pages import ASSETS
from service.pages.assets import PREFIX
from service.reference import reference_of
from service.rendering import etag_of, is_known

router = APIRouter(include_in_schema=False)
_FOR_EVER = "public, max-age=31536000, immutable"


@router.get("/docs")
async def docs(request: Request) -> Response:
    return page(request, "docs.html", reference=reference_of(request.app.openapi()))


@router.get("/openapi.json")
async def openapi(request: Request) -> Response:
    return JSONResponse(request.app.openapi())


@router.get(PREFIX + "{version}/{name}")
async def asset(request: Request, version: str, name: str) -> Response:
    """A style or a script. A page from before an update gets the new one, and asks again next time."""
    found = ASSETS.files.get(name)
    if found is None:
        raise NotFound(f"There is no file {name[:64]}; reload the page.")
    etag = etag_of(found.data)
    headers = {"ETag": etag, "Cache-Control": _FOR_EVER if version == ASSETS.version else "no-cache"}
    if is_known(request, etag):
        return Response(status_code=304, headers=headers)
    return Response(found.data, headers=headers, media_type=found.media_type)
