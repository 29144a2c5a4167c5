"""`/`, `/docs` and `/openapi.json`: pages that need nothing from elsewhere."""

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from service.pages import source
from service.reference import reference_page
from service.security_headers import page_policy

router = APIRouter(include_in_schema=False)


@router.get("/")
async def home() -> Response:
    """The list of evaluations, which its script fetches and keeps fresh."""
    return _page("home.html", source("home.html"))


@router.get("/docs")
async def docs(request: Request) -> Response:
    return _page("docs.html", reference_page(request.app.openapi()))


@router.get("/openapi.json")
async def openapi(request: Request) -> Response:
    return JSONResponse(request.app.openapi())


def _page(name: str, html: str) -> Response:
    headers = {"Content-Security-Policy": page_policy(source(name)), "Cache-Control": "no-cache"}
    return HTMLResponse(html, headers=headers)
