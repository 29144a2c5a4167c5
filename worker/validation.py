"""From quarantine to a policy: the uploaded bytes are read once, in a child with limits, and go no further."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from saddlepoint.errors import ArtifactNotFound, PolicyRejected
from saddlepoint.queue import Count
from saddlepoint.schemas import keys
from saddlepoint.schemas.policies import PolicyCard, UploadRequest, Verdict
from saddlepoint.schemas.problems import problem_of
from saddlepoint.store import Store, find_record, put_record
from worker.context import Context

_log = logging.getLogger(__name__)


class Imported(Protocol):
    """`saddlepoint.policies.importing.ImportedPolicy`."""

    @property
    def model(self) -> bytes: ...
    @property
    def card(self) -> PolicyCard: ...


Importer = Callable[[bytes, UploadRequest, datetime], Imported]
"""`import_policy` in its sandbox: uploaded bytes, what came with them, and the time. Raises PolicyRejected."""


def validate(context: Context, importer: Importer, upload_id: str) -> None:
    """Put the verdict on an upload, and before it the policy; then remove the upload. Repeating it is harmless."""
    store = context.store
    request = find_record(store, keys.upload_request(upload_id), UploadRequest)
    if request is None:
        _log.info("upload %s was withdrawn", upload_id)
        return
    if not store.exists(keys.upload_verdict(upload_id)):
        verdict = _judge(store, importer, request)
        if verdict is None:
            return
        put_record(store, keys.upload_verdict(upload_id), verdict)
        if verdict.policy_id is not None:
            _log.info("upload %s is policy %s", upload_id, verdict.policy_id)
        context.queue.tally(Count("verdicts", (verdict.problem.code if verdict.problem else "accepted",)))
    store.delete(keys.upload_file(upload_id))


def _judge(store: Store, importer: Importer, request: UploadRequest) -> Verdict | None:
    if store.exists(keys.policy_card(request.policy_id)):
        return Verdict(policy_id=request.policy_id)
    try:
        data = store.get(keys.upload_file(request.upload_id))
        imported = importer(data, request, datetime.now(UTC))
    except ArtifactNotFound:
        _log.info("upload %s was withdrawn", request.upload_id)
        return None
    except PolicyRejected as error:
        _log.info("upload %s is rejected: %s", request.upload_id, error.code)
        return Verdict(problem=problem_of(error))
    _publish(store, request, imported)
    return Verdict(policy_id=request.policy_id)


def _publish(store: Store, request: UploadRequest, imported: Imported) -> None:
    """The model first and the card last: a policy with a card is whole."""
    key = keys.policy_model(request.policy_id)
    if not store.put(key, imported.model) and store.get(key) != imported.model:
        # Left by an attempt that died before its card, which would have named another checksum.
        store.delete(key)
        store.put(key, imported.model)
    store.put(keys.policy_index(request.owner, imported.card.created_at, request.policy_id), b"")
    put_record(store, keys.policy_card(request.policy_id), imported.card)
