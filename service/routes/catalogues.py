"""`/v1/attacks`, `/v1/defenses`, `/v1/environments`."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from service.catalogues import (
    AttackCatalogue,
    DefenseCatalogue,
    EnvironmentCatalogue,
    attack_catalogue,
    defense_catalogue,
    environment_catalogue,
)
from service.rendering import etag_of, tagged_response

router = APIRouter(prefix="/v1", tags=["catalogues"])


@router.get("/attacks", response_model=AttackCatalogue, summary="The attacks")
async def attacks(request: Request) -> Response:
    return _response(request, attack_catalogue())


@router.get("/defenses", response_model=DefenseCatalogue, summary="The training methods")
async def defenses(request: Request) -> Response:
    return _response(request, defense_catalogue())


@router.get("/environments", response_model=EnvironmentCatalogue, summary="The environments")
async def environments(request: Request) -> Response:
    return _response(request, environment_catalogue())


def _response(request: Request, catalogue: AttackCatalogue | DefenseCatalogue | EnvironmentCatalogue) -> Response:
    body = catalogue.model_dump_json().encode()
    return tagged_response(request, body, etag_of(body), media_type="application/json")
