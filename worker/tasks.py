"""The functions that the queues name: each opens what it needs, calls one function, and returns nothing.

Importing this loads the engine, which a worker does once, before it forks; see `worker.__main__`.
"""

from contextlib import AbstractContextManager
from datetime import datetime
from functools import partial

from saddlepoint.envs.action_names import action_names
from saddlepoint.envs.describe import describe
from saddlepoint.evaluation.examining import examine
from saddlepoint.evaluation.fold import fold_cell, fold_report
from saddlepoint.evaluation.footage import record
from saddlepoint.evaluation.rendering import render
from saddlepoint.evaluation.shards import play_shard as play
from saddlepoint.policies.importing import ImportedPolicy, import_policy
from saddlepoint.schemas.environments import EnvironmentSpec
from saddlepoint.schemas.policies import UploadRequest
from saddlepoint.settings import Settings
from worker.chunks import run_chunk as complete_chunk
from worker.comparisons import COMPARISONS
from worker.context import Context
from worker.engine import Engine
from worker.environments import find_out
from worker.finishing import finish_evaluation as finish
from worker.landscapes import LANDSCAPES
from worker.observations import ATTACKS
from worker.sandbox import run_limited
from worker.shards import run_shard
from worker.showing import evidence_of
from worker.training_reports import TRAINING_REPORTS
from worker.validation import validate

ENGINE = Engine(
    play=play,
    examine=examine,
    fold_cell=fold_cell,
    fold_report=fold_report,
    show=partial(evidence_of, record, action_names),
    render=render,
)
CHUNKED = {kind.work.name: kind for kind in (ATTACKS, LANDSCAPES, COMPARISONS, TRAINING_REPORTS)}


def validate_upload(upload_id: str) -> None:
    """Queue `validate`: a verdict on an upload, and the policy where it is accepted."""
    with _opened() as context:
        validate(context, import_upload, upload_id)


def describe_environment(env: str) -> None:
    """Queue `validate`: the spaces of an environment, given as JSON."""
    with _opened() as context:
        find_out(context, describe, EnvironmentSpec.model_validate_json(env))


def play_shard(evaluation_id: str, shard: str) -> None:
    """Queue `evaluate`: what is missing of a shard."""
    with _opened() as context:
        run_shard(context, ENGINE, evaluation_id, int(shard))


def finish_evaluation(evaluation_id: str) -> None:
    """Queue `evaluate`: the report, and the end of an evaluation."""
    with _opened() as context:
        finish(context, ENGINE, evaluation_id)


def run_chunk(kind: str, job_id: str, chunk: str) -> None:
    """Queue `evaluate`: a chunk of an attack on sent observations or of a landscape, a comparison, a report."""
    with _opened() as context:
        complete_chunk(context, CHUNKED[kind], job_id, int(chunk))


def _opened() -> AbstractContextManager[Context]:
    return Context.open(Settings.from_environment())


def import_upload(data: bytes, request: UploadRequest, now: datetime) -> ImportedPolicy:
    """`import_policy` in its sandbox."""
    return ImportedPolicy.from_bytes(run_limited(_imported, data, request, now))


def _imported(data: bytes, request: UploadRequest, now: datetime) -> bytes:
    imported = import_policy(
        data, filename_hint=request.filename, hints=request.hints, policy_id=request.policy_id, created_at=now
    )
    return imported.to_bytes()
