"""Artifacts that do not match their sha256: what can be made again is deleted, and what cannot ends the evaluation."""

import logging
from typing import TypeVar

from pydantic import BaseModel

from saddlepoint.errors import ArtifactCorrupt, JobFailed
from saddlepoint.schemas import keys
from saddlepoint.schemas.plans import Plan
from saddlepoint.store import Store, find_record

Record = TypeVar("Record", bound=BaseModel)

_log = logging.getLogger(__name__)


def find_undamaged(store: Store, key: str, schema: type[Record]) -> Record | None:
    """The record at `key`, None where there is none or it was damaged: then it is deleted, to be made again."""
    try:
        return find_record(store, key, schema)
    except ArtifactCorrupt:
        _log.exception("%s is damaged; it is deleted and will be made again", key)
        store.delete(key)
        return None


def find_plan(store: Store, evaluation_id: str) -> Plan | None:
    """The plan of an evaluation, None where there is none yet. Raises JobFailed where it is damaged."""
    key = keys.evaluation_plan(evaluation_id)
    try:
        return find_record(store, key, Plan)
    except ArtifactCorrupt as error:
        _log.exception("%s is damaged; its evaluation cannot go on", key)
        raise JobFailed(
            "The plan of the evaluation is damaged: it does not match its checksum, and what is to be played is not "
            "known without it. The episodes that are finished are kept; submit the evaluation again."
        ) from error
