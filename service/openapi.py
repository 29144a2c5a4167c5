"""The OpenAPI document: what FastAPI derives from the routes, and what it cannot see."""

from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel
from starlette.types import ASGIApp

from saddlepoint.schemas.comparisons import ComparisonSpec, GroupsSpec
from saddlepoint.schemas.evaluations import EvaluationSpec
from saddlepoint.schemas.extensions import ExtensionSpec
from saddlepoint.schemas.landscapes import LandscapeSpec
from saddlepoint.schemas.observation_attacks import ObservationAttackSpec
from saddlepoint.schemas.policies import PolicyHints
from saddlepoint.schemas.problems import Problem
from saddlepoint.schemas.reports import RobustnessReport
from saddlepoint.schemas.trainings import TrainingSpec
from service.interruptions import Interruptions
from service.problems import MEDIA_TYPE
from service.request_ids import RequestIds
from service.security_headers import SecurityHeaders

_BODIES: tuple[type[BaseModel], ...] = (
    ComparisonSpec,
    EvaluationSpec,
    ExtensionSpec,
    GroupsSpec,
    LandscapeSpec,
    ObservationAttackSpec,
    PolicyHints,
    TrainingSpec,
    Problem,
    RobustnessReport,
)
"""Read from the stream or sent as they are stored by our own code, so FastAPI does not know of them."""
_PROBLEM = {
    "description": "A problem, whose `code` is stable (RFC 9457)",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


class Service(FastAPI):
    """An application whose document names the bodies, the problems and the keys."""

    def build_middleware_stack(self) -> ASGIApp:
        """Around everything, also around what answers errors of our own."""
        return RequestIds(SecurityHeaders(Interruptions(super().build_middleware_stack())))

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            _complete(super().openapi())
        assert self.openapi_schema is not None
        return self.openapi_schema


def _complete(document: dict[str, Any]) -> None:
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for model in _BODIES:
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        for name, definition in schema.pop("$defs", {}).items():
            schemas.setdefault(name, definition)
        schemas[model.__name__] = schema
    components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    document["security"] = [{"key": []}, {}]
    for operation in (operation for methods in document["paths"].values() for operation in methods.values()):
        operation["responses"].pop("422", None)
        operation["responses"]["default"] = _PROBLEM
