"""The API's reference, from its OpenAPI document."""

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any


@dataclass(frozen=True)
class Operation:
    """A method of a path, as the page shows it."""

    method: str
    path: str
    summary: str
    description: str
    parameters: list[dict[str, Any]]
    body: str
    answers: list[tuple[str, str]]

    @property
    def anchor(self) -> str:
        return f"{self.method}{self.path}".replace("/", "-").replace("{", "").replace("}", "")


@dataclass(frozen=True)
class Reference:
    """All of it; `schemas` are JSON by name."""

    info: dict[str, Any]
    operations: list[Operation]
    schemas: dict[str, str]


def reference_of(document: dict[str, Any]) -> Reference:
    """What an OpenAPI document says."""
    operations = [
        _operation(method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    schemas = {
        name: json.dumps(schema, indent=2, ensure_ascii=False)
        for name, schema in sorted(document["components"]["schemas"].items())
    }
    return Reference(document["info"], operations, schemas)


def _operation(method: str, path: str, operation: dict[str, Any]) -> Operation:
    content = operation.get("requestBody", {}).get("content", {})
    return Operation(
        method=method.upper(),
        path=path,
        summary=operation.get("summary", ""),
        description=operation.get("description", ""),
        parameters=operation.get("parameters", []),
        body=", ".join(f"{kind}: {_names(body['schema'])}" for kind, body in content.items()),
        answers=[(status, _answer(status, answer)) for status, answer in operation["responses"].items()],
    )


def _answer(status: str, answer: dict[str, Any]) -> str:
    meaning = HTTPStatus(int(status)).phrase if status.isdecimal() else answer["description"]
    names = [name for body in answer.get("content", {}).values() if (name := _names(body.get("schema", {})))]
    return ": ".join([meaning, *names])


def _names(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    properties = schema.get("properties", {})
    return ", ".join(f"{name} ({_names(part) or part.get('format', 'text')})" for name, part in properties.items())
