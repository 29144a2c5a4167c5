"""From a file in the spool to a policy: quarantine, the validator's verdict, and no trace of what was refused."""

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from starlette.concurrency import run_in_threadpool

from saddlepoint.errors import NotFound, SaddlepointError, StoreError
from saddlepoint.queue import VALIDATE, JobQueue
from saddlepoint.schemas import keys
from saddlepoint.schemas.policies import PolicyCard, PolicyHints, UploadRequest, Verdict, policy_id
from saddlepoint.schemas.problems import error_of
from saddlepoint.store import Store, find_record, put_record
from service.forms import Form
from service.ownership import find_card, load_card
from service.polling import wait_for
from service.quotas import Quotas

_TIMEOUT_S = 120.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Admission:
    """What became of an upload: `card` once it is a policy, None while `upload_id` is still being validated."""

    policy_id: str
    card: PolicyCard | None
    upload_id: str = ""
    is_new: bool = False


def uploaded_id(owner: str, form: Form) -> str:
    """The id that the file of a form has as a policy, whether it becomes one or not."""
    return policy_id(owner, form.file.sha256, _hints_of(form))


def _hints_of(form: Form) -> PolicyHints:
    hints = form.values.get("card") or PolicyHints()
    assert isinstance(hints, PolicyHints)
    return hints


@dataclass
class Uploads:
    """Uploads on their way through the validator. Equal uploads that come at once are validated once."""

    store: Store
    queue: JobQueue
    quotas: Quotas
    wait_s: float
    _running: dict[str, asyncio.Task[Admission]] = field(default_factory=dict)

    async def admit(self, owner: str, form: Form) -> Admission:
        """Make the file of a form a policy.

        Raises what the validator says against it, StorageQuotaExceeded and Unavailable.
        """
        hints, wanted = _hints_of(form), uploaded_id(owner, form)
        card = await run_in_threadpool(find_card, self.store, owner, wanted)
        if card is not None:
            return Admission(wanted, card)
        await run_in_threadpool(self.quotas.check_bytes, owner, form.file.size)
        task = self._running.get(wanted)
        if task is None:
            request = UploadRequest(
                upload_id=uuid4().hex,
                policy_id=wanted,
                owner=owner,
                sha256=form.file.sha256,
                size=form.file.size,
                filename=form.filename,
                hints=hints,
                created_at=datetime.now(UTC),
            )
            task = self._running[wanted] = asyncio.create_task(self._validate(request, form.file.path))
            task.add_done_callback(lambda done: self._forget(wanted, done))
        return await asyncio.shield(task)

    def outcome(self, owner: str, wanted: str, upload_id: str) -> PolicyCard | None:
        """What became of an upload, None while the validator says nothing. May block.

        Raises what the validator says against it, and NotFound where there is no such upload.
        """
        card = find_card(self.store, owner, wanted)
        if card is not None:
            return card
        request = find_record(self.store, keys.upload_request(upload_id), UploadRequest)
        if request is None or (request.owner, request.policy_id) != (owner, wanted):
            raise NotFound(f"There is no upload {upload_id[:64]}; an hour after it came it is forgotten.")
        verdict = self._find_verdict(upload_id)
        return None if verdict is None else self._card(request, verdict)

    async def _validate(self, request: UploadRequest, path: Path) -> Admission:
        try:
            await run_in_threadpool(self._quarantine, request, path)
            verdict = await wait_for(lambda: self._find_verdict(request.upload_id), self.wait_s)
            if verdict is None:
                return Admission(request.policy_id, None, request.upload_id)
            card = await run_in_threadpool(self._card, request, verdict)
        except SaddlepointError:
            await run_in_threadpool(self._discard, request.upload_id)
            raise
        await run_in_threadpool(self._discard, request.upload_id)
        return Admission(request.policy_id, card, is_new=True)

    def _quarantine(self, request: UploadRequest, path: Path) -> None:
        self.store.put_file(keys.upload_file(request.upload_id), path)
        put_record(self.store, keys.upload_request(request.upload_id), request)
        self.queue.enqueue(VALIDATE, request.upload_id, timeout_s=_TIMEOUT_S)

    def _find_verdict(self, upload_id: str) -> Verdict | None:
        return find_record(self.store, keys.upload_verdict(upload_id), Verdict)

    def _card(self, request: UploadRequest, verdict: Verdict) -> PolicyCard:
        if verdict.problem is not None:
            raise error_of(verdict.problem)
        return load_card(self.store, request.owner, request.policy_id)

    def _discard(self, upload_id: str) -> None:
        """Remove what is left of an upload; the reconciler does so after an hour where this fails."""
        with suppress(StoreError):
            for key in (keys.upload_file, keys.upload_request, keys.upload_verdict):
                self.store.delete(key(upload_id))

    def _forget(self, wanted: str, done: asyncio.Task[Admission]) -> None:
        del self._running[wanted]
        if not done.cancelled() and (error := done.exception()) is not None:
            _log.info("upload of policy %s: %s", wanted, type(error).__name__)
