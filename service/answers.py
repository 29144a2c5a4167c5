"""Answers for the OpenAPI document that FastAPI cannot see, because routes make them themselves."""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel

Answers = dict[int | str, dict[str, Any]]


def also(model: type[BaseModel], description: str, *media_types: str) -> Answers:
    """The same body with the status 200, or a file of one of these kinds."""
    return {200: {"model": model, "description": description, "content": _files(media_types)}}


def canceled_before(model: type[BaseModel]) -> Answers:
    return also(model, "It was canceled before")


def file_as(*media_types: str) -> Answers:
    """A file of one of these kinds."""
    return {200: {"description": "The file", "content": _files(media_types)}}


def _files(media_types: Iterable[str]) -> dict[str, Any]:
    return {media_type: {"schema": {}} for media_type in media_types}
