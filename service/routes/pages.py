"""`/`, `/docs` and `/openapi.json`: pages that need nothing from elsewhere."""

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from service.pages import CONTENT_POLICY, home_page
from service.reference import reference_page

router = APIRouter(include_in_schema=False)
_HEADERS = {"Content-Security-Policy": CONTENT_POLICY, "Cache-Control": "no-cache"}


@router.get("/")
async def home() -> Response:
    return HTMLResponse(home_page(), headers=_HEADERS)


@router.get("/docs")
async def docs(request: Request) -> Response:
    return HTMLResponse(reference_page(request.app.openapi()), headers=_HEADERS)


@router.get("/openapi.json")
async def openapi(request: Request) -> Response:
    return JSONResponse(request.app.openapi())
