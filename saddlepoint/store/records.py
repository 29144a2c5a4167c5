"""Schemas as artifacts."""

from typing import TypeVar

from pydantic import BaseModel

from saddlepoint.errors import ArtifactNotFound
from saddlepoint.store.interface import Store

Record = TypeVar("Record", bound=BaseModel)


def put_record(store: Store, key: str, record: BaseModel) -> bool:
    """Store `record` as JSON unless the key is taken; True when this call made it."""
    return store.put(key, record.model_dump_json().encode())


def get_record(store: Store, key: str, schema: type[Record]) -> Record:
    """The record at `key`. Raises ArtifactNotFound or ArtifactCorrupt."""
    return schema.model_validate_json(store.get(key))


def find_record(store: Store, key: str, schema: type[Record]) -> Record | None:
    """The record at `key`, None where there is none."""
    try:
        return get_record(store, key, schema)
    except ArtifactNotFound:
        return None
