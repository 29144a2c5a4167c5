"""What routes ask of a request beside its path."""

from typing import Annotated, Any

from fastapi import Depends, Header, Query, Request
from pydantic import BaseModel

from saddlepoint.errors import InvalidRequest, UnsupportedMediaType
from service.pagination import DEFAULT_LIMIT, MAX_LIMIT

_MAX_KEY = 255

Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="entries of a page")]
Cursor = Annotated[str | None, Query(description="next_cursor of the page before")]
DEFAULT_PAGE = DEFAULT_LIMIT


async def _json_body(request: Request) -> bytes:
    """The body, read after the caller was known and within the limits of every body."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        raise UnsupportedMediaType("The body must be JSON; send it with `Content-Type: application/json`.")
    return await request.body()


JsonBody = Annotated[bytes, Depends(_json_body)]


async def _idempotency_key(
    key: Annotated[
        str | None, Header(alias="Idempotency-Key", description="stands for this request, however often it is sent")
    ] = None,
) -> str | None:
    if key is not None and not 0 < len(key) <= _MAX_KEY:
        raise InvalidRequest(
            f"An Idempotency-Key has 1 to {_MAX_KEY} characters, got {len(key)}; a UUID is a good one."
        )
    return key


IdempotencyKey = Annotated[str | None, Depends(_idempotency_key)]


def json_body_of(*models: type[BaseModel]) -> dict[str, Any]:
    """The OpenAPI of a body that holds one of `models` as JSON; the schemas are added to the document by name."""
    references = [_reference(model) for model in models]
    schema = references[0] if len(references) == 1 else {"oneOf": references}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def form_of(spec: type[BaseModel] | None, card: type[BaseModel]) -> dict[str, Any]:
    """The OpenAPI of a form with a policy file."""
    properties: dict[str, Any] = {"policy": {"type": "string", "format": "binary"}}
    if spec is not None:
        properties["spec"] = _reference(spec)
    properties["card"] = _reference(card)
    schema = {"type": "object", "required": [name for name in properties if name != "card"], "properties": properties}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


def observations_form(spec: type[BaseModel]) -> dict[str, Any]:
    """The OpenAPI of a form with observations."""
    properties: dict[str, Any] = {
        "policy_id": {"type": "string"},
        "spec": _reference(spec),
        "observations": {"type": "string", "format": "binary", "description": ".npy, (N, *observation)"},
    }
    schema = {"type": "object", "required": list(properties), "properties": properties}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}
